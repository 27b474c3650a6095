"""An answer as the expressions see it: status, headers, body. The body is parsed when an expression first asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson

from penstock.spec.expression_values import from_json

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class AnswerHeaders(Mapping[str, str]):
    """Names in any case; `headers.x_request_id` is X-Request-Id. A header that came several times is joined by commas."""

    def __init__(self, headers: Sequence[tuple[str, str]]) -> None:
        self._by_name: dict[str, str] = {}
        for name, value in headers:
            before = self._by_name.get(name)
            self._by_name[name] = value if before is None else f"{before}, {value}"

    def __getitem__(self, name: str) -> str:
        lowered = name.lower()
        return self._by_name[lowered if lowered in self._by_name else lowered.replace("_", "-")]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


class AnswerView:
    """raw_headers: names in lower case. body: parsed JSON; what is no JSON is text. reads_body: whether any expression asks for
    it: it is not parsed for nothing. (An attribute: rules ask for it several times a row, and then nothing of Python's own runs.)
    """

    __slots__ = ("_raw_body", "_raw_headers", "body", "status")

    body: object

    def __init__(
        self, status: int, raw_headers: Sequence[tuple[str, str]], raw_body: bytes, *, reads_body: bool = True
    ) -> None:
        self.status = status
        self._raw_headers = raw_headers
        self._raw_body = raw_body
        if reads_body:
            try:
                self.body = orjson.loads(raw_body)
            except orjson.JSONDecodeError:
                self.body = _beyond_json(raw_body)

    @property
    def headers(self) -> AnswerHeaders:
        return AnswerHeaders(self._raw_headers)

    def exact(self) -> AnswerView:
        """The same answer with every number of its body as it was written. Raises RowError if the body is not JSON."""
        view = AnswerView(self.status, self._raw_headers, self._raw_body)
        view.body = from_json(self._raw_body)
        return view


def _beyond_json(raw_body: bytes) -> object:
    """JSON behind a mark that has no place there, or text."""
    try:
        return orjson.loads(raw_body.removeprefix(_BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        return raw_body.decode("utf-8", "replace")

"""An answer as the expressions see it: status, headers, body. The body is parsed when an expression first asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson

from penstock.spec.expression_values import from_json

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_PARSED = object()


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
    """raw_headers: names in lower case."""

    __slots__ = ("_body", "_raw_body", "_raw_headers", "status")

    def __init__(self, status: int, raw_headers: Sequence[tuple[str, str]], raw_body: bytes) -> None:
        self.status = status
        self._raw_headers = raw_headers
        self._raw_body = raw_body
        self._body: object = _NOT_PARSED

    @property
    def headers(self) -> AnswerHeaders:
        return AnswerHeaders(self._raw_headers)

    @property
    def body(self) -> object:
        """Parsed JSON; what is no JSON is text."""
        if self._body is _NOT_PARSED:
            try:
                self._body = orjson.loads(self._raw_body.removeprefix(_BYTE_ORDER_MARK))
            except orjson.JSONDecodeError:
                self._body = self._raw_body.decode("utf-8", "replace")
        return self._body

    def exact(self) -> AnswerView:
        """The same answer with every number of its body as it was written. Raises RowError if the body is not JSON."""
        view = AnswerView(self.status, self._raw_headers, self._raw_body)
        view._body = from_json(self._raw_body)
        return view

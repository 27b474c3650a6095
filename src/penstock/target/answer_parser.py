"""Bytes → one answer. Strict, and without I/O: what cannot be read in exactly one way is no answer at all.

llhttp (httptools) does the framing and refuses bare CR and LF, folded headers, several or broken lengths and a length beside
chunks. Added here: what else makes an answer unsafe to believe, the caps, gzip, and bytes that follow an answer.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from penstock.target.base import Answer
from penstock.target.heads import KnownHeads

MAX_HEAD = 64 * 1024
MAX_BODY = 8 * 1024 * 1024  # as sent, and again once decoded

_GZIP = 16 + zlib.MAX_WBITS
# Each copies what follows it: 8 MB of empty ones would keep the loop, and with it the heartbeat, for a minute.
_MOST_MEMBERS = 100


class BadAnswer(Exception):
    """The bytes so far are no answer to be believed. The text says why, for people."""


class AnswerParser:
    """Reads the answers of one connection, one after the other: `feed` until it returns one, `next` before the next request.

    heads: those that the server's answers are known to begin with.
    keeps_open: whether the server lets the connection be used again; known once there is an answer.
    keep_alive: the server's Keep-Alive header, "timeout=5, max=100"; empty without one.
    has_strays: bytes followed the answer that nobody asked for. The connection must go: they could pass for the next answer.
    """

    __slots__ = (
        "_answer",
        "_body",
        "_body_size",
        "_encoding",
        "_fault",
        "_fed",
        "_has_head",
        "_headers",
        "_heads",
        "_is_framed",
        "_llhttp",
        "_raw_headers",
        "has_strays",
        "keep_alive",
        "keeps_open",
    )

    def __init__(self, heads: KnownHeads) -> None:
        self._heads = heads
        self._llhttp = HttpResponseParser(self)
        self.keeps_open = False
        self.keep_alive = ""
        self.has_strays = False
        self._headers: list[tuple[str, str]] = []
        self._start()
        self.next()

    def next(self) -> None:
        """Forget the last answer and wait for another."""
        self._answer: Answer | None = None
        self._fault = ""
        self._fed = 0
        self._has_head = False

    @property
    def has_begun(self) -> bool:
        """Whether a byte of the awaited answer has come."""
        return self._fed > 0

    def feed(self, data: bytes) -> Answer | None:
        """The answer, once it is whole. Raises BadAnswer; nothing may be fed after that."""
        known = None if self._fed else self._heads.read(data)
        if known is None:
            return self._read(data)
        head, body = known
        self._fed = len(data)
        self.keeps_open = True
        self.keep_alive = head.keep_alive
        return Answer(head.status, head.headers, body)

    def _read(self, data: bytes) -> Answer | None:
        # llhttp would also take RTSP/, ICE/, HTTP/2.0 and empty lines before the status line.
        if self._fed < len(_OPENING) and not _continues_opening(self._fed, data):
            raise BadAnswer("the answer is not HTTP/1.1")
        self._fed += len(data)
        try:
            self._llhttp.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            # Whatever is wrong behind a whole answer does not make that answer less true.
            if self._answer is None:
                raise BadAnswer(self._fault or f"the answer is not proper HTTP: {error}") from None
            self.has_strays = True
        if self._fault:
            raise BadAnswer(self._fault)
        if self._answer is None and not self._has_head and self._fed > MAX_HEAD:
            raise BadAnswer(_HEAD_TOO_LONG)
        if self._answer is not None and self._fed == len(data) and self.keeps_open:
            self._heads.learn(data, self._answer, self.keep_alive)
        return self._answer

    def finish(self) -> Answer:
        """The server has closed the connection. An answer that says nowhere how long it is ends here; others were cut."""
        if not self._has_head:
            raise BadAnswer("the answer was cut off within its headers" if self._fed else "closed without an answer")
        if self._is_framed:
            raise BadAnswer("the answer was cut off within its body")
        self._complete()
        if self._answer is None:
            raise BadAnswer(self._fault)
        return self._answer

    # What llhttp calls. An exception raised here stops it.

    def on_message_begin(self) -> None:
        if self._answer is not None:
            raise BadAnswer("a second answer")
        self._start()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._raw_headers.append((name, value))

    def on_headers_complete(self) -> None:
        # A head can only be too long if more has been fed than a head may hold.
        if self._fed > MAX_HEAD and sum(len(name) + len(value) + 4 for name, value in self._raw_headers) > MAX_HEAD:
            self._stop(_HEAD_TOO_LONG)
        self._headers = [(_lowered(name), value.decode("latin-1")) for name, value in self._raw_headers]
        fields = dict(self._headers)
        status = self._llhttp.get_status_code()
        coding = fields.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            self._stop(f"the answer's Transfer-Encoding is {coding[:40]!r}; only chunked was asked for")
        self._encoding = fields.get("content-encoding", "")
        self._is_framed = coding is not None or "content-length" in fields or status < 200 or status in (204, 304)
        self.keeps_open = self._is_framed and self._llhttp.should_keep_alive()
        self.keep_alive = fields.get("keep-alive", "")
        self._has_head = True

    def on_body(self, data: bytes) -> None:
        self._body_size += len(data)
        if self._body_size > MAX_BODY:
            self._stop(_BODY_TOO_LONG)
        self._body.append(data)

    def on_message_complete(self) -> None:
        status = self._llhttp.get_status_code()
        if status == 101 or status < 100:
            self._stop(f"the answer's status is {status}")
        if status < 200:  # 100 Continue, 103 Early Hints: the real answer follows
            self._has_head = False
        else:
            self._complete()

    def _start(self) -> None:
        self._is_framed = False
        self._raw_headers: list[tuple[bytes, bytes]] = []
        self._encoding = ""
        self._body: list[bytes] = []
        self._body_size = 0

    def _complete(self) -> None:
        body = b"".join(self._body)
        if self._encoding and body:
            try:
                body = _decoded(body, self._encoding)
            except BadAnswer as bad:
                self._fault = str(bad)
                return
        self._answer = Answer(self._llhttp.get_status_code(), self._headers, body, self._is_framed)

    def _stop(self, fault: str) -> None:
        self._fault = fault
        raise BadAnswer(fault)


_OPENING = b"HTTP/1."
_HEAD_TOO_LONG = f"the answer's headers are longer than {MAX_HEAD // 1024} kB"
_BODY_TOO_LONG = f"the answer is larger than {MAX_BODY // 1024 // 1024} MB"


def _continues_opening(fed: int, data: bytes) -> bool:
    expected = _OPENING[fed:]
    return data.startswith(expected) or expected.startswith(data)


@lru_cache(maxsize=1024)
def _lowered(name: bytes) -> str:
    """Header names repeat from answer to answer."""
    return name.decode("latin-1").lower()


def _decoded(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding == "identity":
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise BadAnswer(f"the answer's Content-Encoding is {encoding[:40]!r}; only gzip was asked for")
    pieces: list[bytes] = []
    room = MAX_BODY
    try:
        while body:  # gzip may come in several members
            if len(pieces) == _MOST_MEMBERS:
                raise BadAnswer(f"the answer's gzip comes in more than {_MOST_MEMBERS} pieces")
            member = zlib.decompressobj(_GZIP)
            pieces.append(member.decompress(body, room + 1))
            room -= len(pieces[-1])
            if room < 0:
                raise BadAnswer(_BODY_TOO_LONG)
            if not member.eof:
                raise BadAnswer("the answer's gzip was cut off")
            body = member.unused_data
    except zlib.error:
        raise BadAnswer("the answer's gzip cannot be decoded") from None
    return b"".join(pieces)

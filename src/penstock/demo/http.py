"""HTTP/1.1 for the bundled API: one protocol object a connection, fast enough to be the other side of a benchmark."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

import httptools

from penstock.demo.service import Answer, Request

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_BAD_REQUEST = Answer(400, b'{"code":400,"message":"this is no HTTP/1.1"}')


class Connection(asyncio.Protocol):
    """answer: called once for each whole request. latency: seconds between a request's last byte and its answer's first."""

    def __init__(self, answer: Callable[[Request], Answer | None], latency: float) -> None:
        self._answer = answer
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._send(_BAD_REQUEST, False)

    def on_message_begin(self) -> None:
        self._target = b""
        self._body = b""
        self._headers: dict[bytes, bytes] = {}

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        path, _, query = self._target.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("latin-1")
        answer = self._answer(Request(method, unquote(path), query, self._headers, self._body))
        keep_alive = self._parser.should_keep_alive()
        # The latency is the same for all, so answers keep the order of their requests even if those come pipelined.
        if self._latency:
            self._loop.call_later(self._latency, self._send, answer, keep_alive)
        else:
            self._send(answer, keep_alive)

    def _send(self, answer: Answer | None, keep_alive: bool) -> None:
        if self._transport.is_closing():
            return
        if answer is None:
            self._transport.close()
            return
        self._transport.write(_encode(answer, keep_alive))
        if not keep_alive:
            self._transport.close()


def _encode(answer: Answer, keep_alive: bool) -> bytes:
    return b"%bContent-Type: application/json\r\nContent-Length: %d\r\n%b%b\r\n%b" % (
        _STATUS_LINES[answer.status],
        len(answer.body),
        b"" if answer.retry_after is None else b"Retry-After: %d\r\n" % answer.retry_after,
        b"" if keep_alive else b"Connection: close\r\n",
        answer.body,
    )

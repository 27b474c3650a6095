"""A new service that answers as a case says, on a thread of its own: what is tried here runs an event loop of its own."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    status: int = 201
    body: bytes = b'{"id": 7001}'
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


# From the number of the request, from 1 on, to its answer.
Script: TypeAlias = Callable[[int], Answer]


def accept(_number: int) -> Answer:
    return Answer()


class Api:
    """script: may be changed at any time. bodies: of all requests, in the order in which they came."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.script: Script = accept
        self.bodies: list[bytes] = []
        lock, api = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    api.bodies.append(body)
                    number = len(api.bodies)
                answer = api.script(number)
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as it is called there
                pass

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _QuietServer(ThreadingHTTPServer):
    """A client that turns away (a certificate that it does not trust) is what some cases are about."""

    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Api]:
    api = Api(tls)
    try:
        yield api
    finally:
        api.close()

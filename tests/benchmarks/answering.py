"""An API of the standard library for tests of the benchmarks: it answers as their nginx does, and counts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

_ANSWER = b'{"code":0,"id":1}'


class CountingServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._lock = Lock()
        self.counted = 0

    def count(self) -> None:
        with self._lock:
            self.counted += 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CountingServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.count()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(_ANSWER)))
        self.end_headers()
        self.wfile.write(_ANSWER)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  named by http.server
        """Nothing: a line for each request helps nobody."""


class TestApi:
    """In this process, so its processor time is that of the test. It knows no TLS and no delay."""

    __test__ = False

    process = os.getpid()
    certificate = Path("none")

    def __init__(self, server: CountingServer) -> None:
        self._server = server

    def url(self, delay: int, *, tls: bool = False) -> str:
        del delay, tls
        return f"http://127.0.0.1:{self._server.server_address[1]}/orders"

    def posts(self) -> int:
        return self._server.counted


@contextmanager
def answering() -> Iterator[TestApi]:
    with CountingServer() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield TestApi(server)
        finally:
            server.shutdown()

"""What the oracle reads and writes on its sockets, byte by byte: no library stands between it and the wire."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass
from urllib.parse import unquote

_MOST = 1 << 20
_PREFIX = "/rows/"
_REASONS = {201: "Created", 422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True, slots=True)
class Request:
    """One that came whole, or the beginning of one."""

    head: bytes
    body: bytes

    @property
    def row(self) -> str | None:
        """As it stands in the target; None of another target, and of one that is not there to its end."""
        words = self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        target = words[1] if len(words) == 3 else ""
        return unquote(target.removeprefix(_PREFIX)) if target.startswith(_PREFIX) else None

    def header(self, name: str) -> str | None:
        """name: in lower case."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            known, colon, value = line.partition(":")
            if colon and known.lower() == name:
                return value.strip()
        return None


async def read_request(client: socket.socket, rest: bytes) -> tuple[Request | None, bytes]:
    """The next request, and what came behind it. None: the connection has ended, and what came is all there was of one.

    rest: what came behind the request before.
    """
    loop, length = asyncio.get_running_loop(), None
    while True:
        head, end, body = rest.partition(b"\r\n\r\n")
        if end and length is None:
            length = int(Request(head, b"").header("content-length") or "0")
        if length is not None and len(body) >= length:
            return Request(head, body[:length]), body[length:]
        try:
            more = await loop.sock_recv(client, _MOST)
        except ConnectionError:
            more = b""
        if not more:
            return None, rest
        rest += more


def response(status: int, receipt: str | None) -> bytes:
    """receipt: the new id; None: there is none."""
    body = json.dumps({"error": f"status {status}"} if receipt is None else {"id": receipt}).encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

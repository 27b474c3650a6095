"""The way to a RabbitMQ server, as a test wants it: frames lost on it, connections reset, turned away, or heard by nobody."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Frame:
    """data: as it was sent. method: class and method, of a frame that calls one."""

    data: bytes
    method: tuple[int, int] | None


ACK = (60, 80)  # Basic.Ack: of a message by a client, and of a publication by a server

Picks: TypeAlias = Callable[[Frame], bool]


def nothing(_frame: Frame) -> bool:
    return False


class AmqpProxy:
    """Made by `amqp_proxy`.

    loses: frames of the server that do not come through. resets: frames of a client that end its connection instead. is_shut: new
    connections are turned away. is_deaf: bytes are taken, and not passed on. turned_away: connections that were.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.loses: Picks = nothing
        self.resets: Picks = nothing
        self.is_shut = False
        self.is_deaf = False
        self.turned_away = 0
        self.lost = 0
        self.port = 0
        self._server_at = parts.hostname, parts.port
        self._parts = parts
        self._ways: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The same virtual host by way of this proxy."""
        login = self._parts.netloc.rpartition("@")[0]
        return self._parts._replace(netloc=f"{login}@127.0.0.1:{self.port}").geturl()

    def cut(self) -> None:
        """Every connection is reset."""
        for writer in tuple(self._ways):
            _reset(writer)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_shut:
            self.turned_away += 1
            _reset(writer)
            return
        server = await asyncio.open_connection(*self._server_at)
        self._ways |= {writer, server[1]}
        there = asyncio.create_task(self._carry(reader, server[1], is_client=True))
        back = asyncio.create_task(self._carry(server[0], writer, is_client=False))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (there, back):
                task.cancel()
            for end in (writer, server[1]):
                _reset(end)
                self._ways.discard(end)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_client: bool) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            if is_client:
                writer.write(await reader.readexactly(8))  # AMQP and its version
            while True:
                frame = await _next_frame(reader)
                if is_client and self.resets(frame):
                    return
                if not is_client and self.loses(frame):
                    self.lost += 1
                elif not self.is_deaf:
                    writer.write(frame.data)
                    await writer.drain()


@asynccontextmanager
async def amqp_proxy(url: str) -> AsyncIterator[AmqpProxy]:
    """To the server of this URL."""
    proxy = AmqpProxy(url)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()


async def _next_frame(reader: asyncio.StreamReader) -> Frame:
    head = await reader.readexactly(7)
    kind, _, length = struct.unpack(">BHI", head)
    body = await reader.readexactly(length + 1)
    return Frame(head + body, struct.unpack(">HH", body[:4]) if kind == 1 else None)


def _reset(writer: asyncio.StreamWriter) -> None:
    own = writer.get_extra_info("socket")
    if own is not None and not writer.transport.is_closing():
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

"""A new service made of raw sockets: each test scripts, byte by byte, what it does. All runs on both event loops."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Protocol

import pytest
import uvloop

from penstock.target.http import HttpSender
from penstock.target.wire import TargetAddress

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"id":1}'


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: list[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._requests = requests

    async def request(self) -> bytes:
        """The next whole request; empty when the client has closed."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
            request = head + await self._reader.readexactly(int(length.partition(b": ")[2]))
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return b""
        self._requests.append(request)
        return request

    async def read(self, size: int) -> bytes:
        return await self._reader.readexactly(size)

    async def write(self, data: bytes) -> None:
        """As much of it as the client takes before it closes."""
        with suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def until_closed(self) -> bytes:
        """Waits until the client has closed; what it sent meanwhile."""
        try:
            return await self._reader.read()
        except ConnectionResetError:
            return b""

    def reset(self) -> None:
        """RST instead of FIN: whatever is unread on either side is gone."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()


async def within(seconds: float, event: asyncio.Event) -> None:
    """Wait for an event that must come; fails instead of hanging."""
    async with asyncio.timeout(seconds):
        await event.wait()


Script = Callable[[Peer], Awaitable[None]]


class RawApi:
    """requests: all whole requests so far, in the order they came. connections: how many have been accepted."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.address = TargetAddress("127.0.0.1", 0, False, "api.test")

    async def start(self, tls: ssl.SSLContext | None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls, limit=2**20)
        port = self._server.sockets[0].getsockname()[1]
        self.address = TargetAddress("127.0.0.1", port, tls is not None, "api.test")

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        assert not self._failures, self._failures

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._script(Peer(reader, writer, self.requests))
        except asyncio.CancelledError:
            pass
        except Exception as failure:
            self._failures.append(failure)
        finally:
            writer.transport.abort()
            self._tasks.discard(task)


def always(answer: bytes) -> Script:
    """Answers every request of every connection alike."""

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.write(answer)

    return script


class StartApi(Protocol):
    async def __call__(self, script: Script | bytes, *, tls: ssl.SSLContext | None = None) -> RawApi: ...


class MakeSender(Protocol):
    def __call__(
        self,
        to: RawApi | TargetAddress,
        *,
        total_timeout: float = 10.0,
        connect_timeout: float = 5.0,
        tls: ssl.SSLContext | None = None,
        before: Callable[[], None] | None = None,
    ) -> HttpSender: ...


@pytest.fixture
async def start_api() -> AsyncIterator[StartApi]:
    """Starts services; a script given as bytes answers every request with them."""
    started: list[RawApi] = []

    async def start(script: Script | bytes, *, tls: ssl.SSLContext | None = None) -> RawApi:
        api = RawApi(always(script) if isinstance(script, bytes) else script)
        await api.start(tls)
        started.append(api)
        return api

    yield start
    for api in started:
        await api.stop()


@pytest.fixture
async def make_sender() -> AsyncIterator[MakeSender]:
    made: list[HttpSender] = []

    def make(
        to: RawApi | TargetAddress,
        *,
        total_timeout: float = 10.0,
        connect_timeout: float = 5.0,
        tls: ssl.SSLContext | None = None,
        before: Callable[[], None] | None = None,
    ) -> HttpSender:
        address = to.address if isinstance(to, RawApi) else to
        sender = HttpSender(
            address, tls=tls, connect_timeout=connect_timeout, total_timeout=total_timeout, before=before
        )
        made.append(sender)
        return sender

    yield make
    for sender in made:
        await sender.aclose()

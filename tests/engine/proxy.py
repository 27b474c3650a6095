"""The way to a database server, as a test wants it: cut and healed, or an answer lost on it."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import TypeAlias

from sqlalchemy import URL, make_url
from tests.links.packets import PACKETS, Packet

PATIENCE = 20.0  # seconds after which something that should have come will not come any more


class Loss(Enum):
    """What is lost of a COMMIT. Of its answer or its request: whoever sent it sees its connection break, and cannot tell which it
    was."""

    ANSWER = "the server commits, and nobody hears of it"
    REQUEST = "the server never hears of it, and rolls back"
    ALL = "the server rolls back and says so, as a cluster does whose other nodes have got there first (MariaDB alone)"


_ROLLBACK = b"\x09\x00\x00\x00\x03ROLLBACK"
_REFUSED = b"\xff" + (1213).to_bytes(2, "little") + b"#40001Deadlock found when trying to get lock"
_REFUSAL = len(_REFUSED).to_bytes(3, "little") + b"\x01" + _REFUSED


# MariaDB alone: from here on each statement commits itself. (An UPDATE there is one on trial, which changes nothing.)
_AUTOCOMMIT = re.compile(r"SET\s+AUTOCOMMIT\s*=\s*1", re.IGNORECASE)
_WRITES = re.compile(r"\s*INSERT\b", re.IGNORECASE)


# The statements of a transaction that is about to be committed → what is lost of its COMMIT, if anything.
OnCommit: TypeAlias = Callable[[Sequence[str]], Loss | None]


def nothing_lost(_statements: Sequence[str]) -> Loss | None:
    return None


class Proxy:
    """In front of one MariaDB or PostgreSQL server. Made by `proxy_to`.

    on_commit: asked before each COMMIT, or statement that commits itself, goes through. packets: tells the client's apart.
    turned_away: connections that came while it was cut.
    """

    def __init__(self, server: URL) -> None:
        self.on_commit: OnCommit = nothing_lost
        self.turned_away = 0
        self.port = 0
        self.packets = PACKETS[server.drivername]
        self._address = (server.host, server.port)
        self._is_cut = False
        self._speaks = asyncio.Event()
        self._speaks.set()
        self._ways: set[_Way] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None

    def url(self, url: str) -> str:
        """The same database by way of this proxy."""
        return make_url(url).set(host="127.0.0.1", port=self.port).render_as_string(hide_password=False)

    def cut(self) -> None:
        """All connections break, and new ones with them, until it is healed."""
        self._is_cut = True
        for way in self._ways:
            way.tear()

    def heal(self) -> None:
        self._is_cut = False

    def silence(self) -> None:
        """From now on no byte passes, on connections that are open and on those to come."""
        self._speaks.clear()

    async def speaks(self) -> None:
        await self._speaks.wait()

    async def until_turned_away(self, times: int) -> None:
        """Wait until so many more connections than now have been turned away."""
        wanted = self.turned_away + times
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.turned_away >= wanted)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            _reset(writer)
            self.turned_away += 1
            async with self._changed:
                self._changed.notify_all()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.speaks()
            way = _Way((reader, writer), await asyncio.open_connection(*self._address), self)
            self._ways.add(way)
            try:
                await way.carry()
            finally:
                way.tear()
                self._ways.discard(way)
        except asyncio.CancelledError:
            _reset(writer)  # the test is over
        finally:
            self._tasks.discard(task)


class _Way:
    """One connection, from its client to the server and back."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        proxy: Proxy,
    ) -> None:
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._proxy = proxy
        self._statements: list[str] = []
        self._commits_itself = False
        self._loses_next_answer = False
        self._refuses_next = False

    async def carry(self) -> None:
        """Until one side has gone."""
        both = [asyncio.create_task(self._there()), asyncio.create_task(self._back())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    def tear(self) -> None:
        for writer in (self._to_client, self._to_server):
            _reset(writer)

    async def _there(self) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            async for packet in self._proxy.packets(self._from_client):
                if packet.statement is not None:
                    loss = self._look_at(packet)
                    if loss is Loss.REQUEST:
                        return
                    self._loses_next_answer = loss is Loss.ANSWER
                    self._refuses_next = loss is Loss.ALL
                await self._proxy.speaks()
                self._to_server.write(_ROLLBACK if self._refuses_next else packet.data)
                await self._to_server.drain()

    async def _back(self) -> None:
        with suppress(ConnectionError):
            while answer := await self._from_server.read(65536):
                if self._loses_next_answer:
                    return
                await self._proxy.speaks()
                self._to_client.write(_REFUSAL if self._refuses_next else answer)
                await self._to_client.drain()

    def _look_at(self, packet: Packet) -> Loss | None:
        if packet.is_commit:
            statements, self._statements = self._statements, []
            return self._proxy.on_commit(statements)
        statement = packet.statement or ""
        if statement.strip(" ;").upper() == "ROLLBACK":
            self._statements.clear()
        elif self._commits_itself and _WRITES.match(statement):
            return self._proxy.on_commit([statement])
        elif _AUTOCOMMIT.match(statement):
            self._commits_itself = True
        else:
            self._statements.append(statement)
        return None


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Proxy]:
    """url: of a MariaDB or PostgreSQL database; others of the same server can be reached as well."""
    proxy = Proxy(make_url(url))
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN: nobody may take this for a goodbye."""
    if not writer.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

"""A TCP proxy before a database that cuts a connection at its COMMIT: before the server has it, or before its answer is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum
from typing import NamedTuple, TypeAlias

from sqlalchemy import URL


class Cut(Enum):
    NEVER = "every packet passes"
    BEFORE = "the next COMMIT never reaches the server"
    AFTER = "the answer to the next COMMIT never comes back"


class Packet(NamedTuple):
    """What a client has sent. statement: None unless it is a plain query."""

    data: bytes
    statement: bytes | None


Packets: TypeAlias = AsyncIterator[Packet]


async def mysql_packets(reader: asyncio.StreamReader) -> Packets:
    while header := await _exactly(reader, 4):
        body = await reader.readexactly(int.from_bytes(header[:3], "little"))
        yield Packet(header + body, body[1:] if body[:1] == b"\x03" else None)


async def postgresql_packets(reader: asyncio.StreamReader) -> Packets:
    """Every packet has a letter, but those that open a connection: it may ask for encryption (version 1234) before it starts."""
    has_started = False
    while head := await _exactly(reader, 5 if has_started else 4):
        body = await reader.readexactly(int.from_bytes(head[-4:], "big") - 4)
        is_query = has_started and head[:1] == b"Q"
        has_started = has_started or body[:2] != (1234).to_bytes(2, "big")
        yield Packet(head + body, body.rstrip(b"\x00") if is_query else None)


_PACKETS: dict[str, Callable[[asyncio.StreamReader], Packets]] = {
    "mysql": mysql_packets,
    "postgresql": postgresql_packets,
}


class CuttingProxy:
    """cut: what becomes of the next COMMIT; NEVER again afterwards. cuts: how many there were."""

    def __init__(self, server: URL) -> None:
        self.cut = Cut.NEVER
        self.cuts = 0
        self._address = (server.host, server.port)
        self._packets = _PACKETS[server.drivername]
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        server_in, server_out = await asyncio.open_connection(*self._address)
        back = asyncio.create_task(_pump(server_in, client_out))
        self._tasks.add(back)
        try:
            async for packet in self._packets(client_in):
                if self.cut is not Cut.NEVER and _commits(packet):
                    before, self.cut = self.cut is Cut.BEFORE, Cut.NEVER
                    self.cuts += 1
                    back.cancel()
                    await asyncio.wait([back])
                    if not before:
                        server_out.write(packet.data)
                        await server_in.read(1)  # the server has answered: it is committed
                    return
                server_out.write(packet.data)
                await server_out.drain()
        finally:
            server_out.close()
            client_out.transport.abort()
            back.cancel()
            await asyncio.wait([back])
            self._tasks.discard(back)


def _commits(packet: Packet) -> bool:
    return packet.statement is not None and packet.statement.strip(b" ;").upper() == b"COMMIT"


async def _exactly(reader: asyncio.StreamReader, count: int) -> bytes:
    try:
        return await reader.readexactly(count)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


@asynccontextmanager
async def cutting_proxy(server: URL) -> AsyncIterator[tuple[CuttingProxy, int]]:
    """The proxy, and the port it listens on."""
    proxy = CuttingProxy(server)
    listening = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with listening:
        yield proxy, listening.sockets[0].getsockname()[1]

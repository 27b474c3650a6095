"""A TCP proxy before a database that cuts a connection at its COMMIT: before the server has it, or before its answer is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

from sqlalchemy import URL
from tests.packets import PACKETS


class Cut(Enum):
    NEVER = "every packet passes"
    BEFORE = "the next COMMIT never reaches the server"
    AFTER = "the answer to the next COMMIT never comes back"


class CuttingProxy:
    """cut: what becomes of the next COMMIT; NEVER again afterwards. cuts: how many there were. passing: how many COMMITs pass
    before that."""

    def __init__(self, server: URL) -> None:
        self.cut = Cut.NEVER
        self.cuts = 0
        self.passing = 0
        self._address = (server.host, server.port)
        self._packets = PACKETS[server.drivername]
        self._tasks: set[asyncio.Task[None]] = set()

    def cut_at(self, cut: Cut, commit: int) -> None:
        """commit: from 1, the one that is cut."""
        self.cut, self.passing = cut, commit - 1

    async def serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        server_in, server_out = await asyncio.open_connection(*self._address)
        back = asyncio.create_task(_pump(server_in, client_out))
        self._tasks.add(back)
        try:
            async for packet in self._packets(client_in):
                if self.cut is not Cut.NEVER and packet.is_commit and self.passing:
                    self.passing -= 1
                elif self.cut is not Cut.NEVER and packet.is_commit:
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

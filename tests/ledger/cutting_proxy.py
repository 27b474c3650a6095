"""A TCP proxy before MariaDB that cuts a connection at its COMMIT: before the server has it, or before its answer is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

_COM_QUERY = b"\x03"


class Cut(Enum):
    NEVER = "every packet passes"
    BEFORE = "the next COMMIT never reaches the server"
    AFTER = "the answer to the next COMMIT never comes back"


class CuttingProxy:
    """cut: what becomes of the next COMMIT; NEVER again afterwards. cuts: how many there were."""

    def __init__(self, host: str, port: int) -> None:
        self.cut = Cut.NEVER
        self.cuts = 0
        self._address = (host, port)
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        server_in, server_out = await asyncio.open_connection(*self._address)
        back = asyncio.create_task(_pump(server_in, client_out))
        self._tasks.add(back)
        try:
            while header := await _exactly(client_in, 4):
                body = await client_in.readexactly(int.from_bytes(header[:3], "little"))
                if self.cut is not Cut.NEVER and body[:1] == _COM_QUERY and body[1:].strip().upper() == b"COMMIT":
                    before, self.cut = self.cut is Cut.BEFORE, Cut.NEVER
                    self.cuts += 1
                    back.cancel()
                    await asyncio.wait([back])
                    if not before:
                        server_out.write(header + body)
                        await server_in.read(1)  # the server has answered: it is committed
                    return
                server_out.write(header + body)
                await server_out.drain()
        finally:
            server_out.close()
            client_out.transport.abort()
            back.cancel()
            await asyncio.wait([back])
            self._tasks.discard(back)


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
async def cutting_proxy(host: str, port: int) -> AsyncIterator[tuple[CuttingProxy, int]]:
    """The proxy, and the port it listens on."""
    proxy = CuttingProxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with server:
        yield proxy, server.sockets[0].getsockname()[1]

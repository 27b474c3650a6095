"""A TCP proxy in front of a real server that cuts the line where a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from sqlalchemy import URL, make_url


class Wire:
    """up, down: what of a piece of traffic goes on; None: the line is cut in its place. All goes on by default."""

    def __init__(self) -> None:
        self.up: Callable[[bytes], bytes | None] = lambda data: data
        self.down: Callable[[bytes], bytes | None] = lambda data: data
        self.bytes_down = 0

    def send_up(self, data: bytes) -> bytes | None:
        return self.up(data)

    def send_down(self, data: bytes) -> bytes | None:
        self.bytes_down += len(data)
        return self.down(data)

    def cut_down_after(self, size: int) -> None:
        """Let so many more bytes of answers through, then cut."""
        left = size

        def down(data: bytes) -> bytes | None:
            nonlocal left
            if left <= 0:
                return None
            passed, left = data[:left], left - len(data)
            return passed

        self.down = down

    def drop_answer_to(self, statement: bytes) -> None:
        """Let this statement through and cut the line instead of its answer."""
        seen = False

        def up(data: bytes) -> bytes:
            nonlocal seen
            seen = seen or statement in data
            return data

        self.up = up
        self.down = lambda data: None if seen else data

    def mend(self) -> None:
        self.up = self.down = lambda data: data


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[tuple[Wire, str]]:
    """The wire, and the URL of the same database behind it."""
    target = make_url(url)
    wire = Wire()
    writers: set[asyncio.StreamWriter] = set()

    async def pump(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rule: Callable[[bytes], bytes | None]
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                passed = rule(data)
                if passed:
                    writer.write(passed)
                    await writer.drain()
                if passed is None or len(passed) < len(data):
                    break
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(target.host or "127.0.0.1", target.port or 3306)
        writers.update((writer, server_writer))
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(pump(reader, server_writer, wire.send_up))
            pumps.create_task(pump(server_reader, writer, wire.send_down))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    behind: URL = target.set(host="127.0.0.1", port=port)
    try:
        yield wire, behind.render_as_string(hide_password=False)
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await server.wait_closed()

"""A TCP link that fails as it is told: late, deaf, reset, cut at any byte or packet, or with the answer of a COMMIT lost.

    python -m tests.links.link --to PORT [--speaks mysql|postgresql] [--in NAMESPACE]...

It carries whatever comes to its port to another port of this machine. What it speaks tells it packets and statements apart;
without, it knows bytes. Prints one JSON line with its two ports when it listens. `control` takes JSON lines, each answered with
{"sprung": how many traps have been, "torn": how many connections have been reset}:
{"trap": {"at": "commit", "does": "swallow", "number": 2}} sets one in the place of that before, {"trap": null} takes it away;
{"delay": SECONDS}; {"deaf": true}: bytes are taken and never passed on, until {"deaf": false} resets who has lost some;
{"shut": true}: every connection is reset, new ones too; {"tear": true}: those that there are; {"release": true}: what is held;
{"sprung": N}: answered when so many traps have been. --in: it listens there too. It ends when its stdin does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any

from tests.links.namespace import inside
from tests.links.packets import PACKETS, Packet, Packets
from tests.links.traps import Does, Trap, Way


class Torn(Exception):
    """This connection is to be reset."""


class Link:
    def __init__(self, port: int, packets: Packets) -> None:
        self.packets = packets
        self.trap: Trap | None = None
        self.delay = 0.0
        self.is_deaf = False
        self.released = asyncio.Event()
        self._is_shut = False
        self._port = port
        self._sprung = self._torn = 0
        self._connections: set[_Connection] = set()
        self._changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_shut:
            _reset(writer)
            self._torn += 1
            return
        try:
            server = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            _reset(writer)
            return
        connection = _Connection((reader, writer), server, self)
        self._connections.add(connection)
        try:
            await connection.carry()
        except asyncio.CancelledError:
            pass  # this process is about to end
        finally:
            self._connections.discard(connection)

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of whoever makes it fail."""
        while order := await reader.readline():
            await self._obey(json.loads(order))
            writer.write(json.dumps({"sprung": self._sprung, "torn": self._torn}).encode() + b"\n")
        writer.close()

    async def spring(self) -> None:
        self.trap = None
        self._sprung += 1
        async with self._changed:
            self._changed.notify_all()

    async def _obey(self, told: dict[str, Any]) -> None:
        if "trap" in told:
            self.released.clear()
            self.trap = told["trap"] and Trap.of(told["trap"])
        self.delay = told.get("delay", self.delay)
        self._is_shut = told.get("shut", self._is_shut)
        self.is_deaf = told.get("deaf", self.is_deaf)
        if told.get("release"):
            self.released.set()
        if told.get("tear") or told.get("shut"):
            self._tear(self._connections)
        if told.get("deaf") is False:
            self._tear({connection for connection in self._connections if connection.has_lost_some})
        if "sprung" in told:
            async with self._changed:
                await self._changed.wait_for(lambda: self._sprung >= told["sprung"])

    def _tear(self, connections: set[_Connection]) -> None:
        self._torn += len(connections)
        for connection in connections:
            connection.tear()


class _Connection:
    """From its client to the server and back."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        link: Link,
    ) -> None:
        self.has_lost_some = False
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._link = link
        self._loses_answer = self._holds_answer = False
        self._statements: list[str] = []  # of the transaction that is under way
        self._pumps: list[asyncio.Task[None]] = []

    async def carry(self) -> None:
        """Until both sides have ended, or it is reset."""
        self._pumps = [
            asyncio.create_task(self._pump(self._link.packets(self._from_client), self._to_server, Way.THERE)),
            asyncio.create_task(self._pump(_chunks(self._from_server), self._to_client, Way.BACK)),
        ]
        done, _ = await asyncio.wait(self._pumps, return_when=asyncio.FIRST_EXCEPTION)
        if any(pump.cancelled() or pump.exception() is not None for pump in done):
            self.tear()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for writer in (self._to_client, self._to_server):
            writer.close()

    def tear(self) -> None:
        for writer in (self._to_client, self._to_server):
            _reset(writer)
        for pump in self._pumps:
            pump.cancel()

    async def _pump(self, packets: AsyncIterator[Packet], writer: asyncio.StreamWriter, way: Way) -> None:
        async for packet in packets:
            await self._pass(packet, writer, way)
        while self._link.is_deaf and self.has_lost_some:
            await asyncio.Event().wait()  # no end is told either; it is reset when all is well again
        with suppress(OSError):
            writer.write_eof()

    async def _pass(self, packet: Packet, writer: asyncio.StreamWriter, way: Way) -> None:
        link = self._link
        if link.delay:
            await asyncio.sleep(link.delay)
        if link.is_deaf:
            self.has_lost_some = True
            return
        if way is Way.BACK and self._loses_answer:
            raise Torn
        if way is Way.BACK and self._holds_answer:
            self._holds_answer = False
            await link.released.wait()
        trap = link.trap
        passing = None if trap is None else trap.passes(way, packet, self._statements)
        self._remember(packet)
        if trap is not None and passing is not None:
            await link.spring()
            await self._meet(trap, packet.data[:passing], writer)
        writer.write(packet.data)
        await writer.drain()

    async def _meet(self, trap: Trap, before: bytes, writer: asyncio.StreamWriter) -> None:
        match trap.does:
            case Does.CUT:
                writer.write(before)
                await writer.drain()
                raise Torn
            case Does.SWALLOW:
                self._loses_answer = True
            case Does.HOLD:
                await self._link.released.wait()
            case Does.HOLD_ANSWER:
                self._holds_answer = True

    def _remember(self, packet: Packet) -> None:
        if packet.statement is None:
            return
        if packet.is_commit or packet.statement.strip(" ;").upper() == "ROLLBACK":
            self._statements.clear()
        else:
            self._statements.append(packet.statement)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[Packet]:
    while data := await reader.read(65536):
        yield Packet(data, None)


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN: nobody may take this for a goodbye."""
    if not writer.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


async def _run(options: argparse.Namespace) -> None:
    link = Link(options.to, PACKETS[options.speaks] if options.speaks else _chunks)
    here = socket.create_server(("127.0.0.1", 0), backlog=512)
    port = here.getsockname()[1]
    listen = partial(socket.create_server, ("127.0.0.1", port), backlog=512)
    for listening in [here, *(inside(path, listen) for path in options.within)]:
        await asyncio.start_server(link.serve, sock=listening)
    control = await asyncio.start_server(link.obey, "127.0.0.1", 0)
    os.write(1, json.dumps({"port": port, "control": control.sockets[0].getsockname()[1]}).encode() + b"\n")
    orphaned = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, orphaned.set)  # nobody writes there
    await orphaned.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.links.link")
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--speaks", choices=sorted(PACKETS))
    parser.add_argument("--in", dest="within", action="append", default=[])
    asyncio.run(_run(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

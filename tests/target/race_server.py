"""An API on raw sockets, in a process of its own, that answers each request with its row's name, and does what a race says.

    python -m tests.target.race_server --seed N

Prints one JSON line with its two ports. Rows come as POST /rows/TRY-NUMBER. `control` tells a line when what an ordered race is
about has happened; asked for {"received": true} it answers with every row that came, in order. It ends when its stdin does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import struct
import sys
from contextlib import suppress

from tests.target.races import Kind, Race, draw

_CLOSING = (Kind.IDLE_PARTING, Kind.IDLE_CLOSE, Kind.IDLE_RESET, Kind.CLOSE_RACE, Kind.RESET_RACE)


class Server:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._received: list[str] = []
        self._telling: asyncio.StreamWriter | None = None
        self.awaited: Race | None = None  # of whoever comes next, before it has said anything

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._telling = writer
        while line := await reader.readline():
            order = json.loads(line)
            answer: object = {}
            if "next" in order:
                self.awaited = draw(self._seed, order["next"])
            else:
                answer = self._received
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        awaited, self.awaited = self.awaited, None
        is_closed = False  # by this side; what still comes is read
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if awaited is not None and awaited.kind is Kind.UNASKED:
                await asyncio.sleep(awaited.delay / 3)
                writer.write(answer_of(awaited.stray))
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                row = head.split(b" ", 2)[1].decode().removeprefix("/rows/")
                self._received.append(row)
                number, _, which = row.partition("-")
                if which == "1":
                    race = draw(self._seed, int(number))
                    await self._race(race, row, writer)
                    is_closed = race.kind in _CLOSING
                elif not is_closed:
                    writer.write(answer_of(row))
        writer.transport.abort()

    async def _race(self, race: Race, row: str, writer: asyncio.StreamWriter) -> None:
        answer, stray = answer_of(row), answer_of(race.stray)
        match race.kind:
            case Kind.BEHIND:
                writer.write(answer + stray)
            case Kind.BEGUN_BEHIND:
                writer.write(answer + stray[:7])
                await asyncio.sleep(race.delay)
                writer.write(stray[7:])
            case Kind.LATE_ANSWER | Kind.CANCELLED:
                await asyncio.sleep(race.delay)
                writer.write(answer)
            case Kind.UNASKED:
                writer.write(answer)
            case _:
                writer.write(answer)
                await asyncio.sleep(race.delay)
                _disturb(race.kind, stray, writer)
        if race.kind.has_order and self._telling is not None:
            self._telling.write(b"{}\n")


def answer_of(row: str) -> bytes:
    body = json.dumps({"id": row}).encode()
    return (b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)) + body


def _disturb(kind: Kind, stray: bytes, writer: asyncio.StreamWriter) -> None:
    if kind in (Kind.IDLE_STRAY, Kind.STRAY_RACE):
        writer.write(stray)
        return
    if kind is Kind.IDLE_PARTING:
        writer.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
        writer.write_eof()
    elif kind in (Kind.IDLE_CLOSE, Kind.CLOSE_RACE):
        writer.write_eof()
    else:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


async def _run(seed: int) -> None:
    server = Server(seed)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    control = await asyncio.start_server(server.obey, "127.0.0.1", 0)
    ports = {
        "port": listening.sockets[0].getsockname()[1],
        "control": control.sockets[0].getsockname()[1],
    }
    os.write(1, json.dumps(ports).encode() + b"\n")
    orphaned = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, orphaned.set)  # nobody writes there
    await orphaned.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.target.race_server")
    parser.add_argument("--seed", type=int, required=True)
    asyncio.run(_run(parser.parse_args().seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())

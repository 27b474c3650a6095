"""An API that works on so many requests at once and lets the others queue; after a while it bears a tenth of that.

python -m benchmarks.bearing SERVERS SECONDS_OF_WORK SECONDS_TO_DROP FILE

It prints its port. On SIGTERM it writes FILE: one JSON list of [arrived, begun, answered] a request, in seconds since the first
one arrived; 0.0 is not yet. SECONDS_TO_DROP counts from then, too.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import httptools
import orjson
import uvloop

_BODY = b'{"code":0,"id":1}'
_ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)
SHARE_LEFT = 10


class Workplace:
    """seen: [arrived, begun, answered] of each request; answered is 0.0 until it is."""

    def __init__(self, servers: int, work: float, drop_after: float) -> None:
        self.seen: list[list[float]] = []
        self._servers = servers
        self._work = work
        self._drop_after = drop_after
        self._busy = 0
        self._queue: deque[tuple[list[float], Connection]] = deque()
        self._loop = asyncio.get_running_loop()
        self._began: float | None = None

    def take(self, connection: Connection) -> None:
        request = [self._now(), 0.0, 0.0]
        self.seen.append(request)
        if self._busy < self._servers:
            self._begin(request, connection)
        else:
            self._queue.append((request, connection))

    def _now(self) -> float:
        now = time.perf_counter()  # uvloop's own clock knows whole milliseconds
        if self._began is None:
            self._began = now
            self._loop.call_later(self._drop_after, self._drop)
        return now - self._began

    def _drop(self) -> None:
        self._servers = max(1, self._servers // SHARE_LEFT)

    def _begin(self, request: list[float], connection: Connection) -> None:
        self._busy += 1
        request[1] = self._now()
        self._loop.call_later(self._work, self._end, request, connection)

    def _end(self, request: list[float], connection: Connection) -> None:
        self._busy -= 1
        request[2] = self._now()
        connection.answer()
        while self._queue and self._busy < self._servers:
            self._begin(*self._queue.popleft())


class Connection(asyncio.Protocol):
    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._workplace.take(self)

    def answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_ANSWER)


async def serve(servers: int, work: float, drop_after: float) -> list[list[float]]:
    """Until SIGTERM. Returns what was seen."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    workplace = Workplace(servers, work, drop_after)
    server = await loop.create_server(lambda: Connection(workplace), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stopped.wait()
    server.close()
    return workplace.seen


def main(arguments: Sequence[str]) -> None:
    servers, work, drop_after, file = arguments
    seen = uvloop.run(serve(int(servers), float(work), float(drop_after)))
    Path(file).write_bytes(orjson.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1:])

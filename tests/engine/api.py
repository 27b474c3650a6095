"""A new service that answers as a test says: a real HTTP server on loopback, in the test's own event loop.

It remembers every request: when it came, how many were under way with it, and its bytes.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

PATIENCE = 20.0  # seconds after which something that should have come will not come any more


@dataclass(frozen=True)
class Reply:
    status: int = 201
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"


@dataclass(frozen=True)
class Asked:
    """One request. number: from 1, of all; order: the row's id; attempt: from 1, of this row; at: on time.monotonic's clock;
    in_flight: requests under way when it came, itself included."""

    number: int
    order: int
    attempt: int
    at: float
    in_flight: int
    idempotency_key: str
    target: str
    content: bytes

    @property
    def accepted(self) -> Reply:
        return Reply(201, b'{"id":"N-%d"}' % self.order)


@dataclass(frozen=True)
class Probed:
    """A question about a row: GET /orders?number=ORDER. applied: how often the API has accepted it."""

    number: int
    order: int
    at: float
    applied: int
    content: bytes

    @property
    def truth(self) -> Reply:
        items = b",".join([b'{"id":"N-%d"}' % self.order] * self.applied)
        return Reply(200, b'{"total":%d,"items":[%b]}' % (self.applied, items))


@dataclass(frozen=True)
class Got:
    """A GET of whatever else the API shows: see Api.show. number: from 1, of these; at, in_flight: as in Asked. headers: names in
    lower case."""

    number: int
    target: str
    at: float
    in_flight: int
    headers: Mapping[str, str]


# None: the connection is closed without an answer.
Script: TypeAlias = Callable[[Asked], Awaitable[Reply | None]]
ProbeScript: TypeAlias = Callable[[Probed], Awaitable[Reply | None]]
Show: TypeAlias = Callable[[Got], Awaitable[Reply | None]]


async def accept(asked: Asked) -> Reply:
    return asked.accepted


async def tell_the_truth(probed: Probed) -> Reply:
    return probed.truth


def at_first(times: int, reply: Reply | None) -> Script:
    """So many requests get this reply (None: a closed connection), whichever rows they carry; all later ones are accepted."""

    async def answer(asked: Asked) -> Reply | None:
        return reply if asked.number <= times else asked.accepted

    return answer


def always(reply: Reply | None) -> Script:
    async def answer(_: Asked) -> Reply | None:
        return reply

    return answer


def for_orders(replies: Mapping[int, Reply | None]) -> Script:
    """These rows get these replies, every time; the others are accepted."""

    async def answer(asked: Asked) -> Reply | None:
        return replies.get(asked.order, asked.accepted)

    return answer


class Api:
    """Made by `serving`. `script`, `probe_script` and `show` may be changed while it serves. show: if set, answers all GETs."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.probe_script: ProbeScript = tell_the_truth
        self.probed: list[Probed] = []
        self.show: Show | None = None
        self.got: list[Got] = []
        self.port = 0
        self.asked: list[Asked] = []
        self.applied: Counter[int] = Counter()  # order → how often it was accepted
        self.most_in_flight = 0
        self._in_flight = 0
        self._attempts: Counter[int] = Counter()
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None

    @property
    def orders(self) -> Sequence[int]:
        """What came, in the order in which it came."""
        return [asked.order for asked in self.asked]

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def of(self, order: int) -> Sequence[Asked]:
        return [asked for asked in self.asked if asked.order == order]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds`, looked at after each request and each answer. Raises TimeoutError if that does not come to be."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(holds)

    async def until_asked(self, times: int) -> None:
        await self.until(lambda: len(self.asked) >= times)

    async def open(self) -> None:
        """Serve, on the same port as before if it has been open."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Nobody listens any more: whoever connects is refused."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (content := await _read_request(reader)) is not None:
                reply = await self._answer(content)
                if reply is None:
                    break
                writer.write(_encode(reply))
                await self._tell()
        except ConnectionError:
            pass  # a sender whose patience was at its end
        finally:
            writer.close()
            await self._tell()

    async def _answer(self, content: bytes) -> Reply | None:
        if not content.startswith(b"GET "):
            return await self._take_row(content)
        return await (self._tell_of_row(content) if self.show is None else self._get(self.show, content))

    async def _get(self, show: Show, content: bytes) -> Reply | None:
        first, *lines = content.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        got = Got(len(self.got) + 1, first.split(" ")[1], time.monotonic(), self._in_flight, headers)
        self.got.append(got)
        await self._tell()
        try:
            return await show(got)
        finally:
            self._in_flight -= 1

    async def _take_row(self, content: bytes) -> Reply | None:
        asked = await self._hear(content)
        try:
            reply = await self.script(asked)
        finally:
            self._in_flight -= 1
        self.applied[asked.order] += reply is not None and reply.status < 300
        return reply

    async def _tell_of_row(self, content: bytes) -> Reply | None:
        order = int(content.split(b" ", 2)[1].rpartition(b"=")[2])
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        probed = Probed(len(self.probed) + 1, order, time.monotonic(), self.applied[order], content)
        self.probed.append(probed)
        await self._tell()
        try:
            return await self.probe_script(probed)
        finally:
            self._in_flight -= 1

    async def _hear(self, content: bytes) -> Asked:
        head, _, body = content.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        order = int(json.loads(body)["id"])
        self._in_flight += 1
        self._attempts[order] += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        asked = Asked(
            number=len(self.asked) + 1,
            order=order,
            attempt=self._attempts[order],
            at=time.monotonic(),
            in_flight=self._in_flight,
            idempotency_key=headers["idempotency-key"],
            target=lines[0].split(" ")[1],
            content=content,
        )
        self.asked.append(asked)
        await self._tell()
        return asked

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def serving(script: Script = accept) -> AsyncIterator[Api]:
    api = Api(script)
    await api.open()
    try:
        yield api
    finally:
        await api.close()


async def _read_request(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
        return head + await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return None


def _encode(reply: Reply) -> bytes:
    headers = {"Content-Type": reply.kind, "Content-Length": str(len(reply.body)), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body

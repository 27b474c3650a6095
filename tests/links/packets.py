"""What a database's client sends, packet by packet, for proxies that break a connection in a certain place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import NamedTuple, TypeAlias


class Packet(NamedTuple):
    """data: as it was sent. statement: the SQL that it has the server run, if it does."""

    data: bytes
    statement: str | None

    @property
    def is_commit(self) -> bool:
        return self.statement is not None and self.statement.strip(" ;").upper() == "COMMIT"


Packets: TypeAlias = Callable[[asyncio.StreamReader], AsyncIterator[Packet]]


async def _mysql_packets(reader: asyncio.StreamReader) -> AsyncIterator[Packet]:
    while header := await _exactly(reader, 4):
        body = await reader.readexactly(int.from_bytes(header[:3], "little"))
        is_query = header[3] == 0 and body[:1] == b"\x03"
        yield Packet(header + body, body[1:].decode("utf-8", "replace") if is_query else None)


async def _postgresql_packets(reader: asyncio.StreamReader) -> AsyncIterator[Packet]:
    """Each packet has a letter, but those that open a connection: it may ask for encryption (version 1234) before it starts."""
    prepared: dict[bytes, str] = {}
    has_started = False
    while head := await _exactly(reader, 5 if has_started else 4):
        body = await reader.readexactly(int.from_bytes(head[-4:], "big") - 4)
        if has_started:
            yield Packet(head + body, _postgresql_statement(head[:1], body, prepared))
        else:
            has_started = body[:2] != (1234).to_bytes(2, "big")
            yield Packet(head + body, None)


def _postgresql_statement(letter: bytes, body: bytes, prepared: dict[bytes, str]) -> str | None:
    """prepared: name → SQL, to which this adds what is prepared."""
    parts = body.split(b"\x00", 2)
    if letter == b"Q":
        return parts[0].decode()
    if letter == b"P":
        prepared[parts[0]] = parts[1].decode()
    return prepared[parts[1]] if letter == b"B" else None


async def _exactly(reader: asyncio.StreamReader, count: int) -> bytes:
    """Nothing at the end of the connection."""
    try:
        return await reader.readexactly(count)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


# By the kind of the database's URL.
PACKETS: Mapping[str, Packets] = {"mysql": _mysql_packets, "postgresql": _postgresql_packets}

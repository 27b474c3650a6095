"""Servers that take a connection and then break it off, or say nothing: shutting down, full, stopped, or behind a proxy."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from threading import Thread

import pytest
import uvloop
from pydantic import SecretStr
from sqlalchemy import text
from tests.engine.proxy import proxy_to

from penstock.database.connect import open_database
from penstock.database.faults import DATABASE_ERRORS, Fault, explain, fault_of

MOMENTS = 12

either_server = pytest.mark.parametrize("kind", ["mysql", "postgresql"])


@contextmanager
def hanging_up() -> Iterator[int]:
    """The port of a server, in a thread of its own, that resets every connection, a little later each time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_hang_up, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _hang_up(listener: socket.socket) -> None:
    for number in count():
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        time.sleep(number % MOMENTS * 0.00005)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


@asynccontextmanager
async def busy_loop() -> AsyncIterator[None]:
    """Each turn of the loop takes about a millisecond: a reset then comes between any two steps of connecting."""

    async def turn() -> None:
        while True:
            sum(range(50_000))
            await asyncio.sleep(0)

    task = asyncio.create_task(turn())
    try:
        yield
    finally:
        task.cancel()


async def connect(kind: str, port: int, seconds: float) -> None:
    """It does not come to be, and is told as a server that is lost, in words."""
    database = open_database(SecretStr(f"{kind}://somebody:secret@127.0.0.1:{port}/legacy"), connect_seconds=seconds)
    try:
        with pytest.raises(DATABASE_ERRORS) as caught:
            async with database.reading():
                pass
        assert fault_of(caught.value) is Fault.LOST
        assert explain(caught.value)
    finally:
        await database.aclose()


async def connect_often(kind: str, port: int) -> None:
    async with busy_loop():
        for _ in range(MOMENTS):
            await connect(kind, port, 0.2)


@either_server
@pytest.mark.parametrize("new_event_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_server_that_hangs_up_is_lost_whenever_its_reset_comes(
    new_event_loop: Callable[[], asyncio.AbstractEventLoop], kind: str
) -> None:
    with hanging_up() as port, asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(connect_often(kind, port))


@either_server
async def test_a_server_that_takes_a_connection_and_says_nothing_is_lost_after_a_while(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stopped:
        began = time.monotonic()
        await connect(kind, stopped.getsockname()[1], 0.2)
        assert time.monotonic() - began < 5.0


async def test_a_server_that_has_fallen_silent_does_not_keep_anybody_from_leaving(server_url: str) -> None:
    """asyncpg says goodbye, and waits for the end of the connection."""
    async with proxy_to(server_url) as proxy:
        database = open_database(SecretStr(proxy.url(server_url)))
        async with database.reading() as reading, database.writing() as writing:
            for connection in (reading, writing):
                await connection.execute(text("SELECT 1"))
        proxy.silence()
        async with asyncio.timeout(20):
            await database.aclose()

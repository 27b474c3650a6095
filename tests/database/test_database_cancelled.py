"""A statement that nobody waits for any more holds nobody up."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from functools import partial

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.connect import open_database

# Long enough to be met at work, and with a second row to come: it is not over when the first is there.
SLOW = """
WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 200000)
SELECT id, (SELECT MAX(number) FROM numbers) FROM items
"""


def is_locked(path: str, seconds: float) -> bool:
    """Whether a writer would be held up for so long."""
    with closing(sqlite3.connect(path, timeout=seconds, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False


async def read(connection: AsyncConnection, at_work: asyncio.Event) -> None:
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    tell = partial(asyncio.get_running_loop().call_soon_threadsafe, at_work.set)
    await driver.set_progress_handler(lambda: tell() and None, 1000)
    await connection.execute(text(SLOW))


@pytest.mark.parametrize("kind", ["reading", "writing"])
async def test_a_cancelled_read_of_sqlite_holds_no_writer_up(sqlite_url: str, kind: str) -> None:
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO items VALUES (?)", [(1,), (2,), (3,)])
    database = open_database(SecretStr(sqlite_url))
    at_work = asyncio.Event()

    async def work() -> None:
        async with database.reading() if kind == "reading" else database.writing() as connection:
            await read(connection, at_work)

    task = asyncio.create_task(work())
    async with asyncio.timeout(20):
        await at_work.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert not await asyncio.to_thread(is_locked, path, 5.0)
    await database.aclose()

"""Whoever cancels while a connection is being made is heard, at whichever moment that is."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr

from penstock.database.connect import Database, open_database

CANCELLED = 200


async def connect(database: Database) -> None:
    async with database.reading():
        pass


async def test_no_cancellation_is_lost_while_connecting(server_url: str) -> None:
    """A run that is asked to stop cancels its loops once and waits for them: one that did not hear of it would go on for ever."""
    lost = cancelled = turns = 0
    while cancelled < CANCELLED:
        database = open_database(SecretStr(server_url))
        task = asyncio.create_task(connect(database))
        for _ in range(turns):
            await asyncio.sleep(0)
        was_asked = task.cancel()
        [ended] = await asyncio.gather(task, return_exceptions=True)
        cancelled += was_asked
        turns = (
            turns + 1 if was_asked else 0
        )  # made within so many turns of the loop, fewer on a busy machine: from the start again
        lost += was_asked and not isinstance(ended, asyncio.CancelledError)
        await database.aclose()
    assert lost == 0, f"{lost} of {cancelled}"

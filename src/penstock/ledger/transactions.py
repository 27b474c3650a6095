"""How the ledger talks to its database: whole transactions, and the database's errors in penstock's own words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.connect import Database
from penstock.database.faults import DATABASE_ERRORS, Fault, explain, fault_of
from penstock.errors import LedgerMissing, LedgerRefused, LedgerUnreachable, PenstockError

Result = TypeVar("Result")

_MOST_DEADLOCKS = 5

_random = Random()


class Transactions:
    """Whole transactions on one database. Every piece of work must bear being done again: its COMMIT may have been applied
    though the answer was lost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def database(self) -> Database:
        return self._database

    async def write(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Commit the work or nothing of it. Raises LedgerUnreachable, LedgerMissing, LedgerRefused, and what the work raises."""
        return await self._repeat(self._database.writing, work)

    async def write_alone(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """The same for a single statement that writes: a transaction by itself, without the round trips of BEGIN and COMMIT. What
        the work reads besides is read as of another moment."""
        return await self._repeat(self._database.reading, work)

    async def _repeat(
        self,
        connected: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        work: Callable[[AsyncConnection], Awaitable[Result]],
    ) -> Result:
        deadlocks = losses = 0
        while True:
            try:
                async with connected() as connection:
                    return await work(connection)
            except DATABASE_ERRORS as error:
                fault = fault_of(error)
                deadlocks += fault is Fault.DEADLOCK
                losses += fault is Fault.LOST
                # The server closes idle connections: the first loss is no news. A deadlock has rolled everything back.
                again = (fault is Fault.LOST and losses == 1) or (
                    fault is Fault.DEADLOCK and deadlocks <= _MOST_DEADLOCKS
                )
                if not again:
                    raise translated(error, self._database) from error
            await asyncio.sleep(_random.uniform(0.0, 0.02 * deadlocks))

    async def read(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Statements that read, each by itself. Raises as `write` does."""
        losses = 0
        while True:
            try:
                async with self._database.reading() as connection:
                    return await work(connection)
            except DATABASE_ERRORS as error:
                losses += 1
                if losses > 1 or fault_of(error) is not Fault.LOST:
                    raise translated(error, self._database) from error


def translated(error: BaseException, database: Database) -> PenstockError:
    """The database's error as one of penstock's: by what a person can do about it."""
    words = explain(error)
    match fault_of(error):
        case Fault.MISSING:
            return LedgerMissing(
                f"{database.address} holds no ledger, or not all of it ({words}): run `penstock prepare FILE`, "
                "or correct ledger.url"
            )
        case Fault.DENIED:
            return LedgerRefused(
                f"the ledger at {database.address} may not be used ({words}): look at the user and the password in ledger.url; "
                "it needs SELECT, INSERT, UPDATE and DELETE on the penstock_* tables, and CREATE for `penstock prepare`"
            )
        case Fault.OTHER:
            return LedgerRefused(f"the ledger at {database.address} refused a statement: {words}; look at ledger.url")
        case fault:
            return LedgerUnreachable(
                f"the ledger at {database.address}: {fault.value} ({words}); if it stays so, look at ledger.url"
            )

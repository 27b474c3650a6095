"""Writes flags inside the caller's transaction, and never waits longer than a second for a row that somebody else holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random
from typing import TypeAlias, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.clock import Clock
from penstock.database.connect import Database
from penstock.database.faults import DATABASE_ERRORS, Fault, fault_of
from penstock.errors import JobError
from penstock.rows import Key, KeyText, decode_keys, encode_key
from penstock.source.base import Accepted, FlagsLocked, Mark
from penstock.source.dialect import POSTGRESQL
from penstock.source.failures import source_errors
from penstock.source.flag_statements import (
    MOST_ROWS_WITH_VALUES,
    Write,
    clear_flags,
    find_rows,
    find_unset,
    set_flags,
)
from penstock.source.flag_table import FlagTable
from penstock.source.keyset import chunks, most_keys

# receipt, now → further column → value (`flag.set`).
MarkValues: TypeAlias = Callable[[str | None, datetime], Mapping[str, object]]

Marked = TypeVar("Marked", bound=Accepted)

LOCK_SECONDS = 1
USUAL_LOCK_SECONDS = 5  # as the session was set up
# Rows held by others that are waited for, one second each, where the server cannot say which rows are free.
MOST_WAITS = 10
# After these the transaction is gone or useless: the caller has to see them. After all others only the statement is.
_ENDS_TRANSACTION = (Fault.LOST, Fault.DEADLOCK, Fault.FULL, Fault.READ_ONLY)


class FlagWriter:
    """The port `Flags` of penstock.source.base. values: what `flag.set` says; None: nothing but the flag.

    Database errors pass as they are: the caller's transaction is the caller's to judge.
    """

    def __init__(self, flag: FlagTable, clock: Clock, values: MarkValues | None = None) -> None:
        self._flag = flag
        self._clock = clock
        self._values = values
        self._most_rows = most_keys(len(flag.key)) if values is None else MOST_ROWS_WITH_VALUES
        locking = flag.locking
        # Where a time-out rolls back the whole transaction unnoticed, a lock is never waited for.
        self._asks_first = locking.loses_all and locking.skips_locked
        self._works_inside = locking.transactional and (self._asks_first or not locking.loses_all)

    async def mark(self, connection: AsyncConnection, marks: Sequence[Accepted]) -> int:
        if not self._works_inside:
            raise FlagsLocked
        matched = 0
        async with self._short_waits(connection):
            for some in self._portions(marks):
                if self._asks_first and await self._held_by_others(connection, some):
                    raise FlagsLocked
                matched += await self._try(connection, self._setting(some))
        return matched

    async def mark_unlocked(self, connection: AsyncConnection, marks: Sequence[Mark]) -> Sequence[KeyText]:
        done: list[KeyText] = []
        async with self._short_waits(connection):
            for some in self._portions(marks):
                if self._flag.locking.skips_locked:
                    done += await self._mark_free(connection, some)
                else:
                    done += await self._mark_one_by_one(connection, some)
        return done

    async def clear(self, connection: AsyncConnection, keys: Sequence[KeyText]) -> int:
        matched = 0
        for some in chunks(decode_keys(keys), len(self._flag.key)):
            matched += await _execute(connection, clear_flags(self._flag, some))
        return matched

    def _portions(self, marks: Sequence[Marked]) -> Sequence[Sequence[Marked]]:
        return [marks[start : start + self._most_rows] for start in range(0, len(marks), self._most_rows)]

    def _setting(self, marks: Sequence[Accepted]) -> Write:
        now = self._clock.now()
        values = self._values
        further = [] if values is None else [values(mark.receipt, now) for mark in marks]
        write = set_flags(self._flag, decode_keys([mark.key for mark in marks]), further)
        if not self._flag.locking.has_set_statement:
            return write
        return write._replace(text=f"SET STATEMENT innodb_lock_wait_timeout = {LOCK_SECONDS} FOR {write.text}")

    async def _try(self, connection: AsyncConnection, write: Write) -> int:
        """Raises FlagsLocked for whatever undoes this statement alone: a lock, a trigger that refuses."""
        try:
            return await _execute(connection, write)
        except DATABASE_ERRORS as error:
            if fault_of(error) in _ENDS_TRANSACTION:
                raise
            raise FlagsLocked from error

    async def _held_by_others(self, connection: AsyncConnection, marks: Sequence[Accepted]) -> bool:
        keys = decode_keys([mark.key for mark in marks])
        free = await self._find(connection, keys, and_lock=True)
        return len(free) < len(await self._find(connection, keys, and_lock=False))

    async def _mark_free(self, connection: AsyncConnection, marks: Sequence[Mark]) -> list[KeyText]:
        asked = [mark.key for mark in marks]
        keys = decode_keys(asked)
        free = set(await self._find(connection, keys, and_lock=True))
        held = set() if free.issuperset(asked) else set(await self._find(connection, keys, and_lock=False)) - free
        if not held:
            await self._set(connection, marks)
            return asked
        mine = [mark for mark in marks if mark.key in free]
        if mine:
            await self._set(connection, mine)
        # A row that the collation takes for one of these, and whose text differs: whose it is cannot be told while it is held.
        gone = set(asked) - free - held if held.issubset(asked) else set()
        return [key for key in asked if key in free or key in gone]

    async def _mark_one_by_one(self, connection: AsyncConnection, marks: Sequence[Mark]) -> list[KeyText]:
        try:
            await self._set(connection, marks)
            return [mark.key for mark in marks]
        except DATABASE_ERRORS as error:
            if fault_of(error) is not Fault.LOCKED or self._flag.locking.loses_all:
                raise
        done: list[KeyText] = []
        waits = 0
        # In no order: those behind the first that are held would else never get their turn.
        for mark in Random().sample(list(marks), len(marks)):
            try:
                await self._try(connection, self._setting([mark]))
                done.append(mark.key)
            except FlagsLocked:
                waits += 1
                if waits == MOST_WAITS:
                    break
        return done

    async def _set(self, connection: AsyncConnection, marks: Sequence[Mark]) -> None:
        """Rows that are gone match nothing. Raises JobError if one is there and its flag stays as it was."""
        if await _execute(connection, self._setting(marks)) >= len(marks):
            return
        find = find_unset(self._flag, decode_keys([mark.key for mark in marks]))
        if unset := (await connection.exec_driver_sql(find.text, find.values)).first():
            raise JobError(
                f"the API has accepted row {encode_key(tuple(unset))}, and an UPDATE of {self._flag.table.name} leaves its flag "
                "as it was: change the rule or trigger that keeps it so, or leave source.flag out; "
                "the ledger knows what was accepted"
            )

    async def _find(self, connection: AsyncConnection, keys: Sequence[Key], *, and_lock: bool) -> Sequence[KeyText]:
        find = find_rows(self._flag, keys, and_lock=and_lock)
        found = await connection.exec_driver_sql(find.text, find.values)
        return [encode_key(tuple(row)) for row in found]

    @asynccontextmanager
    async def _short_waits(self, connection: AsyncConnection) -> AsyncIterator[None]:
        if self._flag.dialect == POSTGRESQL:
            # A statement that fails spoils the whole transaction here, unless there is a point to go back to.
            async with connection.begin_nested():
                await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
                yield
                await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{USUAL_LOCK_SECONDS}s'")
            return
        # SQLite has locked the whole file before the transaction began; MariaDB is told with each statement that may wait.
        if connection.dialect.name == "sqlite" or self._flag.locking.has_set_statement:
            yield
            return
        await connection.exec_driver_sql(f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}")
        try:
            yield
        finally:
            if not connection.invalidated:
                await connection.exec_driver_sql(f"SET SESSION innodb_lock_wait_timeout = {USUAL_LOCK_SECONDS}")


class SourceFlagDesk:
    """Flags in transactions of their own. Raises SourceUnreachable, and JobError for what a person must change."""

    def __init__(self, database: Database, flags: FlagWriter) -> None:
        self._database = database
        self._flags = flags

    async def mark(self, marks: Sequence[Mark]) -> Sequence[KeyText]:
        with source_errors(self._database, "setting flags"):
            async with self._database.writing() as connection:
                return await self._flags.mark_unlocked(connection, marks)

    async def clear(self, keys: Sequence[KeyText]) -> int:
        """Set the flag of these rows back to 0; returns how many there were."""
        with source_errors(self._database, "clearing flags"):
            async with self._database.writing() as connection:
                return await self._flags.clear(connection, keys)


async def _execute(connection: AsyncConnection, write: Write) -> int:
    return (await connection.exec_driver_sql(write.text, write.values)).rowcount

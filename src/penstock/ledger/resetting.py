"""Forgetting a job: a few ranges with all their rows at a time, so that the ledger adds up at any moment, also if cut off."""

from __future__ import annotations

from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.errors import LedgerRefused
from penstock.events import EventKind
from penstock.ledger.base import IsDead
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.statements import statement
from penstock.ledger.states import RowState
from penstock.ledger.transactions import Transactions

RANGES_AT_ONCE = 10

_LIVE_LEASES = (
    "SELECT range_no, owner FROM penstock_ranges WHERE job_id = :job AND state = 'leased' AND lease_until > {now}"
)

# A run that came and went while flags were being cleared has found them due.
_STARTED = statement(
    "SELECT 1 FROM penstock_events WHERE job_id = :job AND event_no > :since AND kind = 'run_started' LIMIT 1"
)

_SOME_RANGES = (
    "SELECT range_no, state, imported, failed, in_doubt, skipped FROM penstock_ranges "
    "WHERE job_id = :job ORDER BY range_no LIMIT :limit {for_update}"
)

# All states are named for the index's sake.
_DROP_ROWS = statement("DELETE FROM penstock_rows WHERE job_id = :job AND state IN :states AND range_no IN :ranges")
_DROP_WINDOWS = statement("DELETE FROM penstock_windows WHERE job_id = :job AND range_no IN :ranges")
_DROP_RANGES = statement("DELETE FROM penstock_ranges WHERE job_id = :job AND range_no IN :ranges")

_SUBTRACT = statement("""
UPDATE penstock_jobs SET done_imported = done_imported - :imported, done_failed = done_failed - :failed,
  done_in_doubt = done_in_doubt - :in_doubt, done_skipped = done_skipped - :skipped
WHERE job_id = :job
""")

# next_range and generation stay: neither a range number nor, unasked, an idempotency key may come back with another meaning.
_FORGET_JOB = statement("""
UPDATE penstock_jobs SET source = '', key_columns = NULL, file_hash = '', cursor_key = NULL, planned_keys = 0, total_keys = NULL,
  at_end = 0, last_sweep = NULL, last_sweep_found = NULL, generation = generation + :generations
WHERE job_id = :job
""")
_FORGET_WORKERS = statement("DELETE FROM penstock_workers WHERE job_id = :job")
_FORGET_NOTICES = statement("DELETE FROM penstock_notices WHERE job_id = :job")


class Resetting:
    def __init__(
        self, transactions: Transactions, dialect: LedgerDialect, job_id: int, job_name: str, is_dead: IsDead
    ) -> None:
        self._transactions = transactions
        self._job_id = job_id
        self._job_name = job_name
        self._is_dead = is_dead
        self._events = EventLog(dialect, job_id)
        self._live_leases = dialect.statement(_LIVE_LEASES)
        self._some_ranges = dialect.statement(_SOME_RANGES)

    async def reset(self, *, renew_keys: bool, since: int | None) -> int:
        """See PeopleDesk.reset."""
        forgotten = 0
        while (rows := await self._transactions.write(partial(self._forget_some, since=since))) is not None:
            forgotten += rows
        await self._transactions.write(partial(self._forget_job, rows=forgotten, renew_keys=renew_keys))
        return forgotten

    async def _forget_some(self, connection: AsyncConnection, since: int | None) -> int | None:
        """Returns how many rows; None: there are no ranges left."""
        named: dict[str, object] = {"job": self._job_id}
        for range_no, owner in await connection.execute(self._live_leases, named):
            if not self._is_dead(owner):
                raise LedgerRefused(
                    f"job {self._job_name!r} is being run (range {range_no} is leased by {owner}): stop it first; after a crash "
                    "its lease runs out within a minute or so"
                )
        if since is not None and (await connection.execute(_STARTED, {**named, "since": since})).first() is not None:
            raise LedgerRefused(
                f"job {self._job_name!r} was run while its flags were being cleared, and may have set some again: reset it again"
            )
        found = (await connection.execute(self._some_ranges, {**named, "limit": RANGES_AT_ONCE})).all()
        if not found:
            return None
        named["ranges"] = [range_no for range_no, *_ in found]
        rows = (await connection.execute(_DROP_ROWS, {**named, "states": [state.value for state in RowState]})).rowcount
        await connection.execute(_DROP_WINDOWS, named)
        await connection.execute(_DROP_RANGES, named)
        done = [counters for _, state, *counters in found if state == "done"]
        imported, failed, in_doubt, skipped = (sum(column) for column in zip(*done, strict=True)) if done else (0,) * 4
        sums = {"imported": imported, "failed": failed, "in_doubt": in_doubt, "skipped": skipped}
        await connection.execute(_SUBTRACT, {"job": self._job_id, **sums})
        return int(rows)

    async def _forget_job(self, connection: AsyncConnection, rows: int, renew_keys: bool) -> None:
        named = {"job": self._job_id}
        await connection.execute(_FORGET_JOB, {**named, "generations": int(renew_keys)})
        await connection.execute(_FORGET_WORKERS, named)
        await connection.execute(_FORGET_NOTICES, named)
        events = [Event(EventKind.LEDGER_RESET, f"{rows} rows forgotten")]
        if renew_keys:
            events.append(Event(EventKind.KEYS_RENEWED))
        await self._events.append(connection, events, owner=None)

"""The read model: what status, rows and show look at. It never writes and never waits for a lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.events import EventKind
from penstock.ledger.base import IsDead
from penstock.ledger.counting import NOTHING, Counting
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.events import StoredEvent
from penstock.ledger.heartbeat import ControlReader
from penstock.ledger.jobrow import JobRow, find_job
from penstock.ledger.lookup import ROW_COLUMNS, Lookup, ledger_row, moment
from penstock.ledger.rows import Cause, Counts, DoubtsAhead, LedgerRow
from penstock.ledger.statements import statement
from penstock.ledger.states import RowState
from penstock.ledger.transactions import Transactions
from penstock.ledger.workers import Control, Pulse, Worker
from penstock.rows import KeyText

Result = TypeVar("Result")

_EVERY_STATE = frozenset(RowState)

NO_DOUBTS = DoubtsAhead(rows=0, young=0, seconds=0.0)

_WORKERS = """
SELECT owner, host, pid, started_at, seen_at, CASE WHEN alive_until > {now} THEN 1 ELSE 0 END AS alive, {now} AS at, version,
  (SELECT COUNT(*) FROM penstock_ranges
   WHERE job_id = :job AND state = 'leased' AND penstock_ranges.owner = penstock_workers.owner) AS ranges,
  in_flight, rows_per_second, concurrency, limited_by, hold
FROM penstock_workers WHERE job_id = :job ORDER BY started_at, owner
"""

# Where every row fails for a reason of its own this would grow with the job: nobody reads more than the first thousand.
_CAUSES = statement("""
SELECT state, status, COALESCE(reason, '') AS cause, COUNT(*) AS number, MIN(row_key) FROM penstock_rows
WHERE job_id = :job AND state IN ('failed', 'in_doubt', 'skipped')
GROUP BY state, status, cause ORDER BY number DESC, state, cause LIMIT 1000
""")

_DOUBTS = """
SELECT COUNT(*), SUM(CASE WHEN {age} < :seconds THEN 1 ELSE 0 END), MIN({age}) FROM penstock_rows AS known
WHERE job_id = :job AND state = 'in_doubt'
"""

# Behind '' stand all of them: no key's text is empty. (By `:after IS NULL OR ...` SQLite would begin each page at the first row.)
_ROWS = """
SELECT {row} FROM penstock_rows AS known
WHERE job_id = :job AND state IN :states AND row_key > :after ORDER BY row_key LIMIT :limit
"""

# All rows behind one, whatever their state: the primary key alone, so that no planner is drawn to the index by state.
_EVERY_ROW = """
SELECT {row} FROM penstock_rows AS known WHERE job_id = :job AND row_key > :after ORDER BY row_key LIMIT :limit
"""

_ROW = "SELECT {row} FROM penstock_rows AS known WHERE job_id = :job AND row_key = :key"

_EVENTS = statement(
    "SELECT at, kind, detail, row_key, range_no, owner FROM penstock_events WHERE job_id = :job "
    "ORDER BY event_no DESC LIMIT :limit"
)

# From the first to the last, page by page: a log of millions is read in flat memory.
_HISTORY = statement(
    "SELECT event_no, at, kind, detail, row_key, range_no, owner FROM penstock_events "
    "WHERE job_id = :job AND event_no > :since ORDER BY event_no LIMIT :limit"
)

# A row's own events, and those of the range it is in now: a take-over, or the person who put it there. Two indexes, so no OR.
_EVENTS_OF_ROW = statement("""
SELECT at, kind, detail, row_key, range_no, owner FROM (
  SELECT event_no, at, kind, detail, row_key, range_no, owner FROM penstock_events
  WHERE job_id = :job AND row_key = :key
  UNION
  SELECT event_no, at, kind, detail, row_key, range_no, owner FROM penstock_events
  WHERE job_id = :job AND row_key IS NULL
    AND range_no = (SELECT range_no FROM penstock_rows WHERE job_id = :job AND row_key = :key)
) AS found
ORDER BY event_no DESC LIMIT :limit
""")

_GENERATION = statement("SELECT generation FROM penstock_jobs WHERE job_id = :job")


class SqlReadModel:
    """Made by `penstock.ledger.opening.read_model`. A job that was never run has nothing in it."""

    def __init__(self, transactions: Transactions, dialect: LedgerDialect, job_name: str, is_dead: IsDead) -> None:
        self._transactions = transactions
        self._dialect = dialect
        self._job_name = job_name
        self._is_dead = is_dead
        self._counting = Counting(dialect)
        self._workers = dialect.statement(_WORKERS)
        self._doubts = dialect.statement(_DOUBTS)
        self._row = dialect.statement(_ROW, row=ROW_COLUMNS)
        self._rows = dialect.statement(_ROWS, row=ROW_COLUMNS)
        self._every_row = dialect.statement(_EVERY_ROW, row=ROW_COLUMNS)

    async def counts(self) -> Counts:
        return await self._of_job(self._counting.count, NOTHING)

    async def generation(self) -> int:
        async def read(connection: AsyncConnection, job_id: int) -> int:
            return int((await connection.execute(_GENERATION, {"job": job_id})).scalar_one())

        return await self._of_job(read, 1)

    async def signing_key(self) -> bytes:
        """See ReadModel.signing_key."""

        async def read(connection: AsyncConnection, job_id: int) -> bytes:
            return await JobRow(job_id).known_signing_key(connection)

        return await self._of_job(read, b"")

    async def control(self) -> Control:
        async def read(connection: AsyncConnection, job_id: int) -> Control:
            return await ControlReader(self._dialect, job_id, self._is_dead).read(connection)

        return await self._of_job(read, Control(paused=False, rate=None, concurrency=None, workers=0))

    async def workers(self) -> Sequence[Worker]:
        async def read(connection: AsyncConnection, job_id: int) -> Sequence[Worker]:
            return [
                Worker(
                    owner,
                    host,
                    pid,
                    moment(started),
                    moment(seen),
                    bool(alive) and not self._is_dead(owner),
                    Pulse(*pulse),
                    version,
                    ranges,
                    max(0.0, (moment(at) - moment(seen)).total_seconds()),
                )
                for owner, host, pid, started, seen, alive, at, version, ranges, *pulse in await connection.execute(
                    self._workers, {"job": job_id}
                )
            ]

        return await self._of_job(read, ())

    async def causes(self) -> Sequence[Cause]:
        async def read(connection: AsyncConnection, job_id: int) -> Sequence[Cause]:
            found = await connection.execute(_CAUSES, {"job": job_id})
            return [Cause(RowState(state), status, reason, rows, key) for state, status, reason, rows, key in found]

        return await self._of_job(read, ())

    async def doubts(self, seconds: float) -> DoubtsAhead:
        """See ReadModel.doubts."""

        async def read(connection: AsyncConnection, job_id: int) -> DoubtsAhead:
            parameters = {"job": job_id, "seconds": seconds}
            rows, young, youngest = (await connection.execute(self._doubts, parameters)).one()
            if not rows:
                return NO_DOUBTS
            return DoubtsAhead(rows, int(young), max(0.0, seconds - float(youngest)))

        return await self._of_job(read, NO_DOUBTS)

    async def rows(self, states: frozenset[RowState], after: KeyText | None, limit: int) -> Sequence[LedgerRow]:
        """In key-text order, from behind `after`."""

        async def read(connection: AsyncConnection, job_id: int) -> Sequence[LedgerRow]:
            parameters: dict[str, object] = {"job": job_id, "after": after or "", "limit": limit}
            if states == _EVERY_STATE:
                found = await connection.execute(self._every_row, parameters)
            else:
                found = await connection.execute(self._rows, parameters | {"states": sorted(states)})
            return [ledger_row(row) for row in found.all()]

        return await self._of_job(read, ())

    async def row(self, key: KeyText) -> LedgerRow | None:
        async def read(connection: AsyncConnection, job_id: int) -> LedgerRow | None:
            row = (await connection.execute(self._row, {"job": job_id, "key": key})).first()
            return None if row is None else ledger_row(row)

        return await self._of_job(read, None)

    async def look_up(self, keys: Sequence[KeyText]) -> Mapping[KeyText, LedgerRow]:
        async def read(connection: AsyncConnection, job_id: int) -> Mapping[KeyText, LedgerRow]:
            return await Lookup(self._transactions, self._dialect, job_id).find(connection, keys)

        return await self._of_job(read, {}) if keys else {}

    async def events(self, *, key: KeyText | None = None, limit: int = 100) -> Sequence[StoredEvent]:
        """The newest first. key: what happened to this row, and to the range it is in."""

        async def read(connection: AsyncConnection, job_id: int) -> Sequence[StoredEvent]:
            statement = _EVENTS if key is None else _EVENTS_OF_ROW
            parameters = {"job": job_id, "limit": limit} | ({} if key is None else {"key": key})
            return [
                StoredEvent(moment(at), EventKind(kind), detail, row_key, range_no, owner)
                for at, kind, detail, row_key, range_no, owner in await connection.execute(statement, parameters)
            ]

        return await self._of_job(read, ())

    async def history(self, since: int, limit: int) -> Sequence[tuple[int, StoredEvent]]:
        """See ReadModel.history."""

        async def read(connection: AsyncConnection, job_id: int) -> Sequence[tuple[int, StoredEvent]]:
            return [
                (number, StoredEvent(moment(at), EventKind(kind), detail, row_key, range_no, owner))
                for number, at, kind, detail, row_key, range_no, owner in await connection.execute(
                    _HISTORY, {"job": job_id, "since": since, "limit": limit}
                )
            ]

        return await self._of_job(read, ())

    async def aclose(self) -> None:
        await self._transactions.database.aclose()

    async def _of_job(self, read: Callable[[AsyncConnection, int], Awaitable[Result]], nothing: Result) -> Result:
        job_id = await find_job(self._transactions, self._job_name)
        if job_id is None:
            return nothing

        async def of_job(connection: AsyncConnection) -> Result:
            return await read(connection, job_id)

        return await self._transactions.read(of_job)

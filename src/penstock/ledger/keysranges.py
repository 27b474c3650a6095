"""Keys ranges of rows that a walk or a person names: the sweep's finds, and `run --key`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.errors import LeaseLost, LedgerRefused
from penstock.ledger.base import IsDead
from penstock.ledger.counters import Change, Counters
from penstock.ledger.dialect import KEYS, LedgerDialect
from penstock.ledger.jobrow import LOCK_JOB, JobRow
from penstock.ledger.lengths import REASON_LENGTH
from penstock.ledger.lookup import Lookup
from penstock.ledger.ranges import Lease
from penstock.ledger.statements import statement
from penstock.ledger.states import RowState
from penstock.ledger.text import fit
from penstock.ledger.transactions import Transactions
from penstock.rows import KeyText

_CHECK_LEASE = """
SELECT 1 FROM penstock_ranges
WHERE job_id = :job AND range_no = :range AND owner = :owner AND fence = :fence AND state = 'leased' {for_share}
"""

# Insert or nothing: whoever wrote the row first knows more of it.
_INSERT = """
INSERT INTO penstock_rows (job_id, row_key, range_no, fence, state, attempts, reason, updated_at)
SELECT :job, row_key, :range, 0, 'pending', 0, :reason, {now} FROM {batch} WHERE 1 = 1
{or_nothing}
"""

_INSERTED = statement(
    "SELECT COUNT(*) FROM penstock_rows WHERE job_id = :job AND state = 'pending' AND range_no = :range"
)

_MOVE = statement(
    "UPDATE penstock_rows SET range_no = :range WHERE job_id = :job AND row_key IN :keys AND state = 'pending'"
)

# Locked, as the job's row is: whoever plans or leases meanwhile would read its rows before the keys are there, and send them too.
_UNFINISHED = """
SELECT range_no, owner FROM penstock_ranges WHERE job_id = :job AND state IN ('open', 'leased') ORDER BY range_no {for_update}
"""

_OPEN_AMONG = statement(
    "SELECT range_no FROM penstock_ranges WHERE job_id = :job AND state = 'open' AND range_no IN :ranges"
)

_ALL_WINDOWS = statement("SELECT row_keys FROM penstock_windows WHERE job_id = :job")


class KeysRanges:
    def __init__(
        self,
        transactions: Transactions,
        dialect: LedgerDialect,
        job: JobRow,
        lookup: Lookup,
        counters: Counters,
        is_dead: IsDead,
    ) -> None:
        self._transactions = transactions
        self._job = job
        self._named: dict[str, object] = {"job": job.job_id}
        self._lookup = lookup
        self._counters = counters
        self._is_dead = is_dead
        self._pack = dialect.pack
        self._lock_job = dialect.statement(LOCK_JOB)
        self._unfinished = dialect.statement(_UNFINISHED)
        self._check_lease = dialect.statement(_CHECK_LEASE)
        or_nothing = dialect.or_nothing("penstock_rows")
        self._insert = dialect.statement(_INSERT, batch=dialect.unpack(KEYS), or_nothing=or_nothing)

    async def add(self, keys: Sequence[KeyText], lease: Lease | None, reason: str) -> tuple[int, int | None]:
        """See Ledger.add_keys."""
        range_no = await self._job.reserve_range_no(self._transactions)
        new, rows = await self._transactions.write(
            partial(self._add, keys=keys, lease=lease, reason=reason, range_no=range_no)
        )
        return new, range_no if rows else None

    async def _add(
        self, connection: AsyncConnection, keys: Sequence[KeyText], lease: Lease | None, reason: str, range_no: int
    ) -> tuple[int, int]:
        made = await self._counters.keys_range_made(connection, range_no)
        if made is not None:
            return made, made
        if lease is not None:
            return await self._add_found(connection, keys, lease, reason, range_no)
        return await self._add_asked_for(connection, keys, reason, range_no)

    async def _add_found(
        self, connection: AsyncConnection, keys: Sequence[KeyText], lease: Lease, reason: str, range_no: int
    ) -> tuple[int, int]:
        parameters = {**self._named, "range": lease.range_no, "owner": lease.owner, "fence": lease.fence}
        if (await connection.execute(self._check_lease, parameters)).first() is None:
            raise LeaseLost(lease.range_no)
        new = await self._insert_new(connection, keys, reason, range_no)
        if new:
            await self._counters.add_keys_range(connection, range_no, new)
        return new, new

    async def _add_asked_for(
        self, connection: AsyncConnection, keys: Sequence[KeyText], reason: str, range_no: int
    ) -> tuple[int, int]:
        await connection.execute(self._lock_job, self._named)
        for leased, owner in await connection.execute(self._unfinished, self._named):
            if owner is not None and not self._is_dead(owner):
                raise LedgerRefused(
                    f"range {leased} is being worked on ({owner}): single keys are delivered while no other worker runs; "
                    "stop it, or let `penstock run` finish what it left"
                )
        exposed = await self._exposed(connection)
        # A key that a gone worker may have sent is settled by taking its range over, never by sending it again.
        wanted = [key for key in keys if key not in exposed]
        moved = await self._move_waiting(connection, wanted, range_no)
        rows = await self._insert_new(connection, wanted, reason, range_no)
        if rows:
            await self._counters.add_keys_range(connection, range_no, rows)
        return rows - moved, rows

    async def _move_waiting(self, connection: AsyncConnection, keys: Sequence[KeyText], range_no: int) -> int:
        known = await self._lookup.locked(connection, keys)
        pending = [row for row in known.values() if row.state is RowState.PENDING]
        if not pending:
            return 0
        ranges = sorted({row.range_no for row in pending})
        open_ranges = set((await connection.execute(_OPEN_AMONG, {**self._named, "ranges": ranges})).scalars())
        moving = [row for row in pending if row.range_no in open_ranges]
        if not moving:
            return 0
        await connection.execute(_MOVE, {**self._named, "range": range_no, "keys": [row.key for row in moving]})
        changes: dict[int, Change] = {}
        for row in moving:
            changes.setdefault(row.range_no, Change()).left += 1
        await self._counters.change(connection, changes)
        return len(moving)

    async def _insert_new(
        self, connection: AsyncConnection, keys: Sequence[KeyText], reason: str, range_no: int
    ) -> int:
        """Returns how many rows the new range has then."""
        packed = self._pack([[key] for key in keys])
        parameters = {**self._named, "range": range_no, "reason": fit(reason, REASON_LENGTH), "packed": packed}
        await connection.execute(self._insert, parameters)
        return int((await connection.execute(_INSERTED, parameters)).scalar_one())

    async def _exposed(self, connection: AsyncConnection) -> frozenset[KeyText]:
        windows = (await connection.execute(_ALL_WINDOWS, self._named)).scalars()
        return frozenset(key for row_keys in windows for key, *_ in orjson.loads(row_keys))

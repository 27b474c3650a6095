"""Settling: rows, flags, events, windows, progress and the fence's check are one commit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.errors import LeaseLost
from penstock.events import EventKind
from penstock.ledger.base import FlagMarker
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.held import HeldLeases
from penstock.ledger.jobrow import JobRow
from penstock.ledger.ranges import Lease, Portion, RangeKind
from penstock.ledger.recording import Conflict, Record, RowsKnown, RowWriter, final_counts, one_a_row
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState
from penstock.ledger.transactions import Transactions

# The guard comes last: a range row is locked for as short as can be, and 0 rows roll everything back. row_count is set before
# the counters that it reads: MySQL assigns from left to right. The batch number makes it change a row that it finds, whether the
# driver counts found rows or changed ones, and tells after a COMMIT of unknown outcome which it was.
_ADVANCE = """
UPDATE penstock_ranges SET
  row_count = CASE WHEN :remaining IS NULL THEN row_count
    ELSE imported + failed + in_doubt + skipped + :imported + :failed + :in_doubt + :skipped + :remaining END,
  batch = batch + 1, imported = imported + :imported, failed = failed + :failed,
  in_doubt = in_doubt + :in_doubt, skipped = skipped + :skipped,
  flags_due = CASE WHEN :unflagged > 0 THEN 1 ELSE flags_due END, flags_no = flags_no + :unflagged,
  owner = CASE WHEN :state = 'leased' THEN owner ELSE NULL END, state = :state
WHERE job_id = :job AND range_no = :range AND owner = :owner AND fence = :fence AND batch = :batch - 1 AND state = 'leased'
"""

# Nobody else has had the range while the fence is ours: then the batch alone tells whether the write was applied before. (Unless
# the ledger was set back: then somebody else has it under the same fence.)
_WAS_APPLIED = """
SELECT 1 FROM penstock_ranges WHERE job_id = :job AND range_no = :range AND fence = :fence AND batch = :batch
  AND (owner = :owner OR owner IS NULL)
"""

# Once a range: keeps `counts` as cheap after 100,000 ranges as after one. Last of all, for the job's row is everybody's.
_ADD_TO_TOTALS = """
UPDATE penstock_jobs SET
  done_imported = done_imported + (SELECT imported FROM penstock_ranges WHERE job_id = :job AND range_no = :range),
  done_failed = done_failed + (SELECT failed FROM penstock_ranges WHERE job_id = :job AND range_no = :range),
  done_in_doubt = done_in_doubt + (SELECT in_doubt FROM penstock_ranges WHERE job_id = :job AND range_no = :range),
  done_skipped = done_skipped + (SELECT skipped FROM penstock_ranges WHERE job_id = :job AND range_no = :range)
WHERE job_id = :job
"""

_DROP_WINDOWS = """
DELETE FROM penstock_windows WHERE job_id = :job AND range_no = :range AND fence = :fence AND window_no IN :windows
"""

_DROP_ALL_WINDOWS = "DELETE FROM penstock_windows WHERE job_id = :job AND range_no = :range"


class _AppliedBefore(Exception):
    """The COMMIT of an earlier try had been applied: the portion must not be written again."""

    def __init__(self, portion: Portion) -> None:
        self.portion = portion
        super().__init__(f"batch {portion.batch} of range {portion.lease.range_no}")


class Settling:
    def __init__(
        self,
        transactions: Transactions,
        dialect: LedgerDialect,
        job: JobRow,
        rows: RowWriter,
        events: EventLog,
        held: HeldLeases,
    ) -> None:
        self._transactions = transactions
        self._job = job
        self._job_id = job.job_id
        self._events = events
        self._held = held
        self._rows = rows
        self._advance = dialect.statement(_ADVANCE)
        self._was_applied = dialect.statement(_WAS_APPLIED)
        self._add_to_totals = dialect.statement(_ADD_TO_TOTALS)
        self._drop_windows = dialect.statement(_DROP_WINDOWS)
        self._drop_all_windows = dialect.statement(_DROP_ALL_WINDOWS)

    async def settle(self, portions: Sequence[Portion], mark: FlagMarker | None) -> None:
        """See Ledger.settle."""
        # Everybody locks ranges in the same order: settles and heartbeats cannot wait for each other in a circle.
        waiting = sorted(portions, key=lambda portion: portion.lease.range_no)
        are_new = all(_rows_are_new(portion.lease) for portion in portions)
        while waiting:
            batch = tuple(waiting)
            try:
                await self._transactions.write(partial(self.settle_within, portions=batch, mark=mark, are_new=are_new))
                break
            except RowsKnown:
                are_new = False
            except _AppliedBefore as before:
                waiting.remove(before.portion)
            except LeaseLost as lost:
                self._held.forget(lost.range_no)
                raise
        for portion in portions:
            if portion.finished or portion.release:
                self._held.forget(portion.lease.range_no)

    async def settle_within(
        self, connection: AsyncConnection, portions: Sequence[Portion], mark: FlagMarker | None, *, are_new: bool
    ) -> None:
        """The batch in the caller's transaction. are_new: the ledger has no row of it (else RowsKnown)."""
        records = one_a_row(
            [
                (settlement, portion.lease.range_no, portion.lease.fence)
                for portion in portions
                for settlement in portion.settlements
            ]
        )
        conflicts: Sequence[Conflict] = ()
        if records and are_new:
            await self._rows.insert(connection, records)
        elif records:
            conflicts = await self._rows.settle(connection, records)
        unflagged = await self._flag(connection, records, conflicts, mark)
        for portion in portions:
            await self._events.append(connection, portion.events, portion.lease.owner)
            if portion.windows_done:
                await connection.execute(
                    self._drop_windows, {**self._named(portion.lease), "windows": list(portion.windows_done)}
                )
        if conflicts:
            await self._tell_of(connection, records, conflicts, portions[0].lease.owner)
        counts = final_counts(records, conflicts)
        for portion in portions:
            range_no = portion.lease.range_no
            await self._pass_guard(connection, portion, counts.get(range_no, {}), range_no in unflagged)
        for portion in portions:
            if portion.finished:
                await connection.execute(self._drop_all_windows, self._named(portion.lease))
                await connection.execute(self._add_to_totals, self._named(portion.lease))

    async def _flag(
        self,
        connection: AsyncConnection,
        records: Sequence[Record],
        conflicts: Sequence[Conflict],
        mark: FlagMarker | None,
    ) -> frozenset[int]:
        """Returns the ranges whose accepted rows are still to be flagged."""
        turned_away = {conflict.key for conflict in conflicts}
        accepted: list[Settlement] = []
        ranges: set[int] = set()
        imported = RowState.IMPORTED
        for settlement, range_no, _ in records:
            if settlement.state is imported and settlement.key not in turned_away:
                accepted.append(settlement)
                ranges.add(range_no)
        if not accepted or (mark is not None and await mark(connection, accepted)):
            return frozenset()
        return frozenset(ranges)

    async def _pass_guard(
        self, connection: AsyncConnection, portion: Portion, counts: dict[RowState, int], is_unflagged: bool
    ) -> None:
        lease = portion.lease
        parameters = {
            **self._named(lease),
            "owner": lease.owner,
            "batch": portion.batch,
            "remaining": portion.remaining,
            "imported": counts.get(RowState.IMPORTED, 0),
            "failed": counts.get(RowState.FAILED, 0),
            "in_doubt": counts.get(RowState.IN_DOUBT, 0),
            "skipped": counts.get(RowState.SKIPPED, 0),
            "unflagged": int(is_unflagged),
            "state": "done" if portion.finished else "open" if portion.release else "leased",
        }
        if (await connection.execute(self._advance, parameters)).rowcount:
            return
        if (await connection.execute(self._was_applied, parameters)).first() is not None:
            raise _AppliedBefore(portion)
        raise LeaseLost(lease.range_no)

    async def _tell_of(
        self, connection: AsyncConnection, records: Sequence[Record], conflicts: Sequence[Conflict], owner: str
    ) -> None:
        """An accepted row that the ledger knows otherwise has been sent by two: a person must look where that is not harmless."""
        if await self._job.is_idempotent(connection):
            return
        by_key = {record[0].key: record for record in records}
        events = []
        for conflict in conflicts:
            settlement, range_no, fence = by_key[conflict.key]
            same_lease = (range_no, fence) == (conflict.range_no, conflict.fence)
            if settlement.state is RowState.IMPORTED and not same_lease and conflict.state is not RowState.SKIPPED:
                detail = f"accepted, but the ledger has it as {conflict.state} by range {conflict.range_no}"
                events.append(Event(EventKind.SENT_TWICE, detail, settlement.key, range_no))
        await self._events.append(connection, events, owner)

    def _named(self, lease: Lease) -> dict[str, object]:
        return {"job": self._job_id, "range": lease.range_no, "fence": lease.fence}


def _rows_are_new(lease: Lease) -> bool:
    """Whether the ledger has most probably no row of the range: nobody held it before, and it was not made of rows that wait."""
    return lease.fence == 1 and lease.kind is RangeKind.SPAN

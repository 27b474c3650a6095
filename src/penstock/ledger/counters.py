"""Counters of ranges, and the job's totals of those that are done, when rows change outside a settle.

It adds up: a row that leaves a range takes its place in the sum with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.statements import statement
from penstock.ledger.states import RowState

# In a range that is not counted yet the estimate stands for the count.
_CHANGE = statement("""
UPDATE penstock_ranges SET
  imported = imported + :imported, failed = failed + :failed, in_doubt = in_doubt + :in_doubt, skipped = skipped + :skipped,
  row_count = row_count - :left, estimate = estimate - :left,
  flags_due = CASE WHEN :unflagged > 0 THEN 1 ELSE flags_due END, flags_no = flags_no + :unflagged
WHERE job_id = :job AND range_no = :range
""")

_DONE_AMONG = statement(
    "SELECT range_no FROM penstock_ranges WHERE job_id = :job AND state = 'done' AND range_no IN :ranges"
)

_CHANGE_TOTALS = statement("""
UPDATE penstock_jobs SET
  done_imported = done_imported + :imported, done_failed = done_failed + :failed,
  done_in_doubt = done_in_doubt + :in_doubt, done_skipped = done_skipped + :skipped
WHERE job_id = :job
""")

_ADD_KEYS_RANGE = statement("""
INSERT INTO penstock_ranges (job_id, range_no, kind, estimate, row_count, state)
VALUES (:job, :range, 'keys', :number, :number, 'open')
""")

# The number was reserved for one transaction alone: if the range is there, that has been applied.
_KEYS_RANGE_MADE = statement("SELECT row_count FROM penstock_ranges WHERE job_id = :job AND range_no = :range")


@dataclass(slots=True)
class Change:
    """What changes in one range. left: rows that belong to another range now, less those that came.
    is_unflagged: accepted rows lack their flag."""

    finals: dict[RowState, int] = field(default_factory=dict)
    left: int = 0
    is_unflagged: bool = False

    def ended(self, before: RowState | None, after: RowState) -> None:
        """A row of this range that was `before` (None: not in the ledger) is `after` now."""
        for state, step in ((before, -1), (after, +1)):
            if state is not None and state.is_final:
                self.finals[state] = self.finals.get(state, 0) + step


class Counters:
    def __init__(self, job_id: int) -> None:
        self._job_id = job_id

    async def change(self, connection: AsyncConnection, changes: Mapping[int, Change]) -> None:
        """Range numbers → what changes. Locks the ranges in order, then the job's row: as everybody does."""
        for range_no in sorted(changes):
            change = changes[range_no]
            parameters = {"range": range_no, "left": change.left, "unflagged": int(change.is_unflagged)}
            await connection.execute(_CHANGE, self._with_finals([change], parameters))
        if not changes:
            return
        found = await connection.execute(_DONE_AMONG, {"job": self._job_id, "ranges": sorted(changes)})
        done = [changes[range_no] for range_no in found.scalars()]
        if any(change.finals for change in done):
            await connection.execute(_CHANGE_TOTALS, self._with_finals(done, {}))

    async def add_keys_range(self, connection: AsyncConnection, range_no: int, rows: int) -> None:
        """An open range of the pending rows that carry its number."""
        await connection.execute(_ADD_KEYS_RANGE, {"job": self._job_id, "range": range_no, "number": rows})

    async def keys_range_made(self, connection: AsyncConnection, range_no: int) -> int | None:
        """How many rows the keys range has that an earlier try has made, by a COMMIT whose answer was lost; None: none has."""
        found = await connection.execute(_KEYS_RANGE_MADE, {"job": self._job_id, "range": range_no})
        return found.scalar()

    def _with_finals(self, changes: Sequence[Change], parameters: Mapping[str, int]) -> dict[str, int]:
        sums = {
            state.value: sum(change.finals.get(state, 0) for change in changes) for state in RowState if state.is_final
        }
        return {"job": self._job_id, **sums, **parameters}

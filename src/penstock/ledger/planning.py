"""Planning: the cursor moves and a span is made and leased, at once. Nobody else ever makes a span."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.held import HeldLeases
from penstock.ledger.jobrow import LOCK_JOB, JobRow
from penstock.ledger.ranges import Free, Lease, RangeKind, Span
from penstock.ledger.statements import statement
from penstock.ledger.transactions import Transactions
from penstock.rows import KeyText

_CURSOR = statement("SELECT cursor_key FROM penstock_jobs WHERE job_id = :job")

# For one who plans several: whatever others have planned of them meanwhile is left out.
_LOCK_CURSOR = "SELECT next_range, cursor_key FROM penstock_jobs WHERE job_id = :job {for_update}"

# It walks the keys behind the cursor as well, and makes what the ledger does not know of them pending: in a span they would be
# on their way already, without a ledger row.
_SWEEP_IS_UNDER_WAY = statement(
    "SELECT 1 FROM penstock_ranges WHERE job_id = :job AND state IN ('open', 'leased') AND kind = 'sweep' LIMIT 1"
)

# Guarded by the cursor that the planner has read: 0 rows, and somebody else has planned this part. Keys are only ever compared
# for being the same; which is greater the source database alone knows. at_end: the cursor has moved, there may be more.
_MOVE_CURSOR = """
UPDATE penstock_jobs SET
  cursor_key = :upto, planned_keys = planned_keys + :number, at_end = 0, next_range = next_range + :spans
WHERE job_id = :job AND cursor_key {is_same} :after
"""

_ADD_SPAN = """
INSERT INTO penstock_ranges (job_id, range_no, kind, after_key, upto_key, estimate, state, owner, fence, lease_until)
VALUES (:job, :range, 'span', :after, :upto, :number, 'leased', :owner, 1, {later})
"""

# For whoever comes first.
_ADD_OPEN_SPAN = statement("""
INSERT INTO penstock_ranges (job_id, range_no, kind, after_key, upto_key, estimate, state)
VALUES (:job, :range, 'span', :after, :upto, :number, 'open')
""")

# A COMMIT of unknown outcome had been applied: the span is there, ours, and nobody works on it yet.
_PLANNED_BEFORE = """
SELECT range_no FROM penstock_ranges
WHERE job_id = :job AND state = 'leased' AND owner = :owner AND fence = 1 AND batch = 0
  AND after_key {is_same} :after AND upto_key = :upto
"""

_TELL_TOTAL = statement("UPDATE penstock_jobs SET total_keys = :number WHERE job_id = :job")


class Planning:
    def __init__(self, transactions: Transactions, dialect: LedgerDialect, job: JobRow, held: HeldLeases) -> None:
        self._transactions = transactions
        self._job = job
        self._held = held
        self._lock_job = dialect.statement(LOCK_JOB)
        self._lock_cursor = dialect.statement(_LOCK_CURSOR)
        self._move_cursor = dialect.statement(_MOVE_CURSOR)
        self._add_span = dialect.statement(_ADD_SPAN)
        self._planned_before = dialect.statement(_PLANNED_BEFORE)

    async def cursor(self) -> KeyText | None:
        async def read(connection: AsyncConnection) -> KeyText | None:
            return (await connection.execute(_CURSOR, {"job": self._job.job_id})).scalar()

        return await self._transactions.read(read)

    async def plan(self, after: KeyText | None, upto: KeyText, keys: int, owner: str, seconds: float) -> Lease | None:
        """See Ledger.plan."""
        write = partial(self.plan_within, span=Span(after, upto, keys), owner=owner, seconds=seconds)
        range_no = await self._transactions.write(write)
        if range_no is None or self._held.has(range_no, 1):
            return None
        return self._held.add(Lease(range_no, RangeKind.SPAN, owner, fence=1, batch=0, after=after, upto=upto))

    async def plan_ahead(self, spans: Sequence[Span]) -> Sequence[Free]:
        """See Ledger.plan_ahead."""
        return await self._transactions.write(partial(self._plan_ahead, spans=spans))

    async def _plan_ahead(self, connection: AsyncConnection, spans: Sequence[Span]) -> Sequence[Free]:
        named = {"job": self._job.job_id}
        first, cursor = (await connection.execute(self._lock_cursor, named)).one()
        left = _from(cursor, spans)
        if not left or (await connection.execute(_SWEEP_IS_UNDER_WAY, named)).first() is not None:
            return ()
        keys = sum(span.keys for span in left)
        moved = {**named, "after": cursor, "upto": left[-1].upto, "number": keys, "spans": len(left)}
        await connection.execute(self._move_cursor, moved)
        ranges = [Free(range_no, 0) for range_no in range(first, first + len(left))]
        made = [
            {**named, "range": free.range_no, "after": span.after, "upto": span.upto, "number": span.keys}
            for free, span in zip(ranges, left, strict=True)
        ]
        await connection.execute(_ADD_OPEN_SPAN, made)
        return ranges

    async def plan_within(self, connection: AsyncConnection, span: Span, owner: str, seconds: float) -> int | None:
        """The number of the range that is made and leased, in the caller's transaction; None as `plan` says."""
        parameters: dict[str, object] = {
            "job": self._job.job_id,
            "after": span.after,
            "upto": span.upto,
            "number": span.keys,
            "spans": 1,
            "owner": owner,
            "seconds": seconds,
        }
        range_no = int((await connection.execute(self._lock_job, parameters)).scalar_one())
        if (await connection.execute(_SWEEP_IS_UNDER_WAY, parameters)).first() is not None:
            return None
        if not (await connection.execute(self._move_cursor, parameters)).rowcount:
            found = (await connection.execute(self._planned_before, parameters)).scalar()
            return None if found is None else int(found)
        await connection.execute(self._add_span, {**parameters, "range": range_no})
        return range_no

    async def tell_total(self, keys: int) -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(_TELL_TOTAL, {"job": self._job.job_id, "number": keys})

        await self._transactions.write(write)


def _from(cursor: KeyText | None, spans: Sequence[Span]) -> Sequence[Span]:
    """Those of the spans, each of which begins where the one before ends, that are not planned yet: from the cursor on. None of
    them if none begins there."""
    begin = next((number for number, span in enumerate(spans) if span.after == cursor), len(spans))
    return spans[begin:]

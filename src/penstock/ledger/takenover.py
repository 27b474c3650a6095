"""Which leases were taken over and left rows in doubt: what their owners knew may still come to light."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.ranges import Lease, RangeKind
from penstock.ledger.statements import statement
from penstock.ledger.transactions import Transactions

# By the event, for it alone proves that this owner had the range in this ledger: one that was dropped or set back gives the
# same range numbers and fences out again.
_TAKEN_OVER = statement("""
SELECT events.range_no, events.detail, ranges.kind, ranges.batch
FROM penstock_events AS events
JOIN penstock_ranges AS ranges ON ranges.job_id = events.job_id AND ranges.range_no = events.range_no
WHERE events.job_id = :job AND events.kind = 'take_over'
  AND events.range_no IN (SELECT range_no FROM penstock_rows WHERE job_id = :job AND state = 'in_doubt')
ORDER BY events.event_no
""")

_TOLD = re.compile(r"from (\S+) under fence (\d+): ")


def from_whom(owner: str | None, fence: int) -> str:
    """How the event of a take-over begins."""
    return f"from {owner} under fence {fence}: "


class TakenOver:
    def __init__(self, transactions: Transactions, job_id: int) -> None:
        self._transactions = transactions
        self._job_id = job_id

    async def leases(self) -> Sequence[Lease]:
        """See Ledger.taken_over."""
        return await self._transactions.read(self._read)

    async def _read(self, connection: AsyncConnection) -> Sequence[Lease]:
        rows = (await connection.execute(_TAKEN_OVER, {"job": self._job_id})).all()
        return [
            Lease(range_no, RangeKind(kind), told[1], int(told[2]), batch)
            for range_no, detail, kind, batch in rows
            if (told := _TOLD.match(detail)) is not None
        ]

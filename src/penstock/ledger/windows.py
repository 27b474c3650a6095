"""Windows: what may be on the wire is written down first, in order with a take-over: it sees the window, or the window fails."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import orjson
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.errors import LeaseLost, LedgerUnreachable
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.held import HeldLeases
from penstock.ledger.ranges import Lease, WindowKey
from penstock.ledger.transactions import Transactions

# One statement: the range's row is share-locked while the window goes in, so that a take-over comes before it or after it.
_OPEN = """
INSERT INTO penstock_windows (job_id, range_no, fence, window_no, row_keys, opened_at)
SELECT job_id, range_no, fence, :window, {row_keys}, {now} FROM penstock_ranges
WHERE job_id = :job AND range_no = :range AND owner = :owner AND fence = :fence AND state = 'leased' AND lease_until > {later}
{for_share}
"""

# Too short for another request is not lost: as long as nobody has taken it, a heartbeat makes it longer.
_IS_OURS = """
SELECT 1 FROM penstock_ranges
WHERE job_id = :job AND range_no = :range AND owner = :owner AND fence = :fence AND state = 'leased'
"""


class Windows:
    def __init__(
        self, transactions: Transactions, dialect: LedgerDialect, job_id: int, events: EventLog, held: HeldLeases
    ) -> None:
        self._transactions = transactions
        self._job_id = job_id
        self._events = events
        self._held = held
        self._pack = dialect.pack
        self._open = dialect.statement(_OPEN, row_keys=dialect.packed(":row_keys"))
        self._is_ours = dialect.statement(_IS_OURS)

    async def open(
        self,
        lease: Lease,
        window: int,
        keys: Sequence[WindowKey],
        seconds: float,
        events: Sequence[Event],
    ) -> None:
        """See Ledger.open_window."""
        parameters = {
            "job": self._job_id,
            "range": lease.range_no,
            "owner": lease.owner,
            "fence": lease.fence,
            "window": window,
            "row_keys": self._pack(keys),
            "seconds": seconds,
        }
        try:
            work = partial(self._write, parameters=parameters, lease=lease, events=events)
            await (self._transactions.write(work) if events else self._transactions.write_alone(work))
        except LeaseLost:
            self._held.forget(lease.range_no)
            raise

    async def _write(
        self, connection: AsyncConnection, parameters: dict[str, object], lease: Lease, events: Sequence[Event]
    ) -> None:
        try:
            opened = (await connection.execute(self._open, parameters)).rowcount
        except IntegrityError:
            return  # a COMMIT of unknown outcome had been applied, events and all; a take-over would have dropped the window
        if not opened:
            if (await connection.execute(self._is_ours, parameters)).first() is not None:
                raise LedgerUnreachable(f"the lease of range {lease.range_no} waits for its next heartbeat")
            raise LeaseLost(lease.range_no)
        await self._events.append(connection, events, lease.owner)


def keys_of(row_keys: str) -> list[WindowKey]:
    """The keys of a stored window."""
    return [WindowKey(*fields) for fields in orjson.loads(row_keys)]

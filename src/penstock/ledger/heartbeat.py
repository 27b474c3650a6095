"""The heartbeat: leases that have a live pipeline are renewed, the pulse is told, a person's wishes come back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.base import Control, IsDead, Lease, Pulse
from penstock.ledger.concurrency import understood
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.held import HeldLeases
from penstock.ledger.lengths import REASON_LENGTH
from penstock.ledger.lookup import moment
from penstock.ledger.text import fit
from penstock.ledger.transactions import Transactions

# Whoever owns the fence may go on, run out or not: nobody has taken it.
_RENEW = """
UPDATE penstock_ranges SET lease_until = {later}
WHERE job_id = :job AND range_no = :range AND owner = :owner AND fence = :fence AND state = 'leased'
"""

_FENCES = "SELECT range_no, fence, owner FROM penstock_ranges WHERE job_id = :job AND range_no IN :ranges"

_TELL = """
UPDATE penstock_workers SET
  seen_at = {now}, alive_until = {later}, in_flight = :in_flight, rows_per_second = :rows_per_second,
  concurrency = :concurrency, limited_by = :limited_by, hold = :hold
WHERE job_id = :job AND owner = :owner
"""

_WISHES = (
    "SELECT paused, rate, concurrency, file_hash, generation, {now} AS at,"
    " (SELECT COUNT(*) FROM penstock_workers WHERE job_id = :job AND owner = :owner) AS is_known"
    " FROM penstock_jobs WHERE job_id = :job"
)

# By age: a newcomer never takes away the share of one who is at work.
_ALIVE = (
    "SELECT owner, in_flight, by_broker FROM penstock_workers WHERE job_id = :job AND alive_until > {now} "
    "ORDER BY started_at, owner"
)


class Heartbeat:
    def __init__(
        self, transactions: Transactions, dialect: LedgerDialect, job_id: int, held: HeldLeases, is_dead: IsDead
    ) -> None:
        self._transactions = transactions
        self._job_id = job_id
        self._held = held
        self._renew = dialect.statement(_RENEW)
        self._fences = dialect.statement(_FENCES)
        self._tell = dialect.statement(_TELL)
        self._control = ControlReader(dialect, job_id, is_dead)

    async def renew(
        self, leases: Sequence[Lease], seconds: float, owner: str, pulse: Pulse
    ) -> tuple[frozenset[int], Control]:
        """See Ledger.renew."""
        lost, control = await self._transactions.write(
            partial(self._beat, leases=leases, seconds=seconds, owner=owner, pulse=pulse)
        )
        for range_no in lost:
            self._held.forget(range_no)
        return lost, control

    async def _beat(
        self, connection: AsyncConnection, leases: Sequence[Lease], seconds: float, owner: str, pulse: Pulse
    ) -> tuple[frozenset[int], Control]:
        named = {"job": self._job_id, "owner": owner, "seconds": seconds}
        await connection.execute(
            self._tell,
            {
                **named,
                "in_flight": pulse.in_flight,
                "rows_per_second": pulse.rows_per_second,
                "concurrency": pulse.concurrency,
                "limited_by": fit(pulse.limited_by, 40),
                "hold": fit(pulse.hold, REASON_LENGTH),
            },
        )
        control = await self._control.read(connection, owner)
        for lease in sorted(leases, key=lambda lease: lease.range_no):
            await connection.execute(self._renew, {**named, "range": lease.range_no, "fence": lease.fence})
        return await self._lost(connection, leases), control

    async def _lost(self, connection: AsyncConnection, leases: Sequence[Lease]) -> frozenset[int]:
        """By the fence: a range that this worker has just finished or given back, and that is nobody's now, is not lost. (In a
        ledger that was set back another may have it under the same fence.)"""
        if not leases:
            return frozenset()
        ranges = [lease.range_no for lease in leases]
        found = await connection.execute(self._fences, {"job": self._job_id, "ranges": ranges})
        holders = {row.range_no: (row.fence, row.owner) for row in found}
        return frozenset(
            lease.range_no
            for lease in leases
            if holders.get(lease.range_no) not in ((lease.fence, lease.owner), (lease.fence, None))
        )


class ControlReader:
    """What people have asked for, and among how many it is shared."""

    def __init__(self, dialect: LedgerDialect, job_id: int, is_dead: IsDead) -> None:
        self._job_id = job_id
        self._is_dead = is_dead
        self._alive = dialect.statement(_ALIVE)
        self._wishes = dialect.statement(_WISHES)

    async def read(self, connection: AsyncConnection, owner: str | None = None) -> Control:
        named = {"job": self._job_id, "owner": owner}
        wishes = (await connection.execute(self._wishes, named)).one()
        paused, rate, concurrency, file_hash, generation, at, is_known = wishes
        heard_of = await connection.execute(self._alive, {"job": self._job_id})
        # The share of one that was killed must not lie idle until its silence is long enough.
        alive = [row for row in heard_of if not self._is_dead(row.owner)]
        in_flight = {row.owner: row.in_flight for row in alive}
        return Control(
            bool(paused),
            rate,
            understood(concurrency),
            workers=len(in_flight),
            rank=list(in_flight).index(owner) if owner in in_flight else 0,
            in_flight_elsewhere=sum(count for other, count in in_flight.items() if other != owner),
            at=moment(at),
            file_hash=file_hash,
            generation=generation,
            leads=next((row.owner for row in alive if row.by_broker), None) == owner,
            is_known=bool(is_known),
        )

"""The heartbeat: leases that have a live pipeline are renewed, the pulse is told, a person's wishes come back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.base import IsDead
from penstock.ledger.concurrency import understood
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.held import HeldLeases
from penstock.ledger.lengths import REASON_LENGTH
from penstock.ledger.lookup import moment
from penstock.ledger.ranges import Lease
from penstock.ledger.text import fit
from penstock.ledger.transactions import Transactions
from penstock.ledger.workers import SILENT, Control, Pulse, Stake

# Whoever owns the fence may go on, run out or not: nobody has taken it.
_RENEW = """
UPDATE penstock_ranges SET lease_until = {later}
WHERE job_id = :job AND range_no = :range AND owner = :owner AND fence = :fence AND state = 'leased'
"""

_FENCES = "SELECT range_no, fence, owner FROM penstock_ranges WHERE job_id = :job AND range_no IN :ranges"

_TELL = """
UPDATE penstock_workers SET
  seen_at = {now}, alive_until = {later}, in_flight = :in_flight, rows_per_second = :rows_per_second,
  concurrency = :concurrency, limited_by = :limited_by, hold = :hold,
  stake_concurrency = :stake_concurrency, stake_rate = :stake_rate, quiet_until = NULL
WHERE job_id = :job AND owner = :owner
"""

_KEEP_QUIET = "UPDATE penstock_workers SET quiet_until = {later} WHERE job_id = :job AND owner = :owner"

_WISHES = (
    "SELECT paused, rate, concurrency, file_hash, generation, {now} AS at,"
    # The dead ones' too: what the API has said holds.
    " (SELECT MAX(quiet_until) FROM penstock_workers WHERE job_id = :job) AS quiet_until,"
    " (SELECT COUNT(*) FROM penstock_workers WHERE job_id = :job AND owner = :owner) AS is_known"
    " FROM penstock_jobs WHERE job_id = :job"
)

# By age: a newcomer never takes away the share of one who is at work.
_ALIVE = """
SELECT owner, in_flight, by_broker, stake_concurrency, stake_rate, CASE WHEN seen_at > {later} THEN 0 ELSE 1 END AS is_silent
FROM penstock_workers WHERE job_id = :job AND alive_until > {now} ORDER BY started_at, owner
"""


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
        self._keep_quiet = dialect.statement(_KEEP_QUIET)
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
                "stake_concurrency": None if pulse.stake.concurrency == math.inf else int(pulse.stake.concurrency),
                "stake_rate": None if pulse.stake.rate == math.inf else pulse.stake.rate,
            },
        )
        if pulse.quiet > 0.0:
            await connection.execute(self._keep_quiet, {**named, "seconds": pulse.quiet})
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
        paused, rate, concurrency, file_hash, generation, at, quiet_until, is_known = wishes
        heard_of = await connection.execute(self._alive, {"job": self._job_id, "seconds": -SILENT})
        # The share of one that was killed must not lie idle until its silence is long enough.
        alive = {row.owner: row for row in heard_of if not self._is_dead(row.owner)}
        return Control(
            bool(paused),
            rate,
            understood(concurrency),
            workers=len(alive),
            rank=list(alive).index(owner) if owner in alive else 0,
            in_flight_elsewhere=sum(row.in_flight for other, row in alive.items() if other != owner),
            stakes=tuple(
                Stake(_told(row.stake_concurrency), 0.0 if row.is_silent else _told(row.stake_rate))
                for other, row in alive.items()
                if other != owner
            ),
            quiet=0.0 if quiet_until is None else max(0.0, (moment(quiet_until) - moment(at)).total_seconds()),
            at=moment(at),
            file_hash=file_hash,
            generation=generation,
            leads=next((row.owner for row in alive.values() if row.by_broker), None) == owner,
            is_known=bool(is_known),
        )


def _told(stored: float | None) -> float:
    return math.inf if stored is None else stored

"""Leasing: which range comes next, and making it ours, or anybody's. What its last owner left behind is cleared up in the same
commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.ledger.base import IsDead, Recall
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.held import HeldLeases
from penstock.ledger.jobrow import JobRow
from penstock.ledger.ranges import Free, Lease, Left
from penstock.ledger.statements import statement
from penstock.ledger.takeover import TAKEN_COLUMNS, Taken, TakeOver, Why
from penstock.ledger.transactions import Transactions

# One look, without a lock: the first open range and all that are leased, which are as few as the workers' hands. Most often
# there is nothing to do, and this was all.
_CANDIDATES = """
SELECT range_no, owner, fence, CASE WHEN lease_until < {now} THEN 1 ELSE 0 END AS has_run_out
FROM penstock_ranges WHERE job_id = :job AND state = 'leased' {only}
UNION ALL
SELECT * FROM (
  SELECT range_no, NULL AS owner, fence, 0 AS has_run_out
  FROM penstock_ranges WHERE job_id = :job AND state = 'open' {only} ORDER BY range_no LIMIT 1
) AS first_open
"""

# The index serves state and order: no sorting, and no OR, so that SKIP LOCKED passes over what others are just taking.
_LOCK_OPEN = """
SELECT {taken} FROM penstock_ranges
WHERE job_id = :job AND state = 'open' {only} ORDER BY range_no LIMIT 1 {skip_locked}
"""

# The fence is looked at again under the lock: two may have seen the same owner gone.
_LOCK_LEASED = """
SELECT {taken} FROM penstock_ranges
WHERE job_id = :job AND range_no = :range AND state = 'leased' AND fence = :fence {run_out} {skip_locked}
"""

_OPEN = statement(
    "SELECT range_no, fence FROM penstock_ranges WHERE job_id = :job AND state = 'open' ORDER BY range_no LIMIT :limit"
)
_LEASED = """
SELECT range_no, owner, fence, CASE WHEN lease_until < {now} THEN 1 ELSE 0 END AS has_run_out
FROM penstock_ranges WHERE job_id = :job AND state = 'leased' ORDER BY range_no
"""

_ONLY = "AND range_no = :only"
_RUN_OUT = "AND lease_until < {now}"


class Candidate(NamedTuple):
    """owner: None of an open range."""

    range_no: int
    owner: str | None
    fence: int
    has_run_out: bool


class Leasing:
    def __init__(
        self,
        transactions: Transactions,
        dialect: LedgerDialect,
        job: JobRow,
        take_over: TakeOver,
        held: HeldLeases,
    ) -> None:
        self._transactions = transactions
        self._job_id = job.job_id
        self._take_over = take_over
        self._held = held
        run_out = _RUN_OUT.format(**dialect.words)
        self._leased = dialect.statement(_LEASED)
        self._any = dialect.statement(_CANDIDATES, only="")
        self._only = dialect.statement(_CANDIDATES, only=_ONLY)
        self._lock_open = dialect.statement(_LOCK_OPEN, taken=TAKEN_COLUMNS, only="")
        self._lock_open_only = dialect.statement(_LOCK_OPEN, taken=TAKEN_COLUMNS, only=_ONLY)
        self._lock_run_out = dialect.statement(_LOCK_LEASED, taken=TAKEN_COLUMNS, run_out=run_out)
        self._lock_left = dialect.statement(_LOCK_LEASED, taken=TAKEN_COLUMNS, run_out="")

    async def lease(
        self, owner: str, seconds: float, recall: Recall, is_dead: IsDead, only: int | None
    ) -> Lease | None:
        """See Ledger.lease."""
        take = partial(self._take, owner=owner, seconds=seconds, recall=recall, only=only)
        if only is not None:  # mostly it is open: then there is nothing to look for
            lease = await self._transactions.write(
                partial(take, candidate=Candidate(only, None, 0, False), why=Why.OPEN)
            )
            if lease is not None:
                return self._held.add(lease)
        look = self._any if only is None else self._only
        candidates = await self._transactions.read(partial(self._candidates, statement=look, only=only))
        for candidate, why in self._free(candidates, owner, is_dead):
            lease = await self._transactions.write(partial(take, candidate=candidate, why=why))
            if lease is not None:
                return self._held.add(lease)
        return None

    async def free(self, limit: int, owner: str, is_dead: IsDead) -> Sequence[Free]:
        """See Ledger.free."""
        return await self._transactions.read(partial(self._look, limit=limit, owner=owner, is_dead=is_dead))

    async def left(self, owner: str, is_dead: IsDead) -> Sequence[Left]:
        """See Ledger.left."""
        leased = await self._transactions.read(partial(self._candidates, statement=self._leased))
        return [
            Left(candidate.range_no, candidate.fence, why is Why.DEAD)
            for candidate, why in self._free(leased, owner, is_dead)
            if why is not Why.LET_GO  # else it would take over what another loop of its own has just leased
        ]

    async def leave_open(self, left: Left, owner: str, recall: Recall) -> bool:
        """See Ledger.leave_open."""
        why = Why.DEAD if left.is_proven else Why.RUN_OUT

        async def take(connection: AsyncConnection) -> bool:
            taken = await self._locked(connection, left.range_no, left.fence, why)
            if taken is not None:
                await self._take_over.leave_open(connection, taken, why, owner, recall)
            return taken is not None

        return await self._transactions.write(take)

    async def _look(self, connection: AsyncConnection, limit: int, owner: str, is_dead: IsDead) -> Sequence[Free]:
        leased = await self._candidates(connection, self._leased)
        free = [Free(candidate.range_no, candidate.fence) for candidate, _ in self._free(leased, owner, is_dead)]
        found = await connection.execute(_OPEN, {"job": self._job_id, "limit": limit})
        return [*free, *(Free(range_no, fence) for range_no, fence in found)][:limit]

    async def _candidates(
        self, connection: AsyncConnection, statement: TextClause, only: int | None = None
    ) -> list[Candidate]:
        found = await connection.execute(
            statement, {"job": self._job_id, "only": only} if only else {"job": self._job_id}
        )
        return [Candidate(range_no, owner, fence, bool(run_out)) for range_no, owner, fence, run_out in found]

    def _free(self, candidates: Iterable[Candidate], me: str, is_dead: IsDead) -> Iterator[tuple[Candidate, Why]]:
        """What may be leased, the open one first. Whether an owner is dead is asked once."""
        dead: dict[str, bool] = {}
        for candidate in sorted(candidates, key=lambda candidate: (candidate.owner is not None, candidate.range_no)):
            owner = candidate.owner
            if owner is None:
                yield candidate, Why.OPEN
            elif owner == me:
                # A pipeline of this process has it, and its heartbeat may be late; or nobody has it any more, or ever had.
                if not self._held.has(candidate.range_no, candidate.fence):
                    yield candidate, Why.LET_GO
            elif candidate.has_run_out:
                yield candidate, Why.RUN_OUT
            elif dead.setdefault(owner, is_dead(owner)):
                yield candidate, Why.DEAD

    async def _take(
        self,
        connection: AsyncConnection,
        candidate: Candidate,
        why: Why,
        owner: str,
        seconds: float,
        recall: Recall,
        only: int | None,
    ) -> Lease | None:
        if why is Why.OPEN:
            taken = await self._locked_open(connection, only)
        else:
            taken = await self._locked(connection, candidate.range_no, candidate.fence, why)
        return None if taken is None else await self._take_over.take(connection, taken, why, owner, seconds, recall)

    async def _locked_open(self, connection: AsyncConnection, only: int | None) -> Taken | None:
        statement = self._lock_open if only is None else self._lock_open_only
        named: dict[str, object] = {"job": self._job_id}
        row = (await connection.execute(statement, named if only is None else {**named, "only": only})).first()
        return None if row is None else Taken.of(row)

    async def _locked(self, connection: AsyncConnection, range_no: int, fence: int, why: Why) -> Taken | None:
        """The range, if it still is what it was when it was looked at."""
        statement = self._lock_run_out if why is Why.RUN_OUT else self._lock_left
        row = (await connection.execute(statement, {"job": self._job_id, "range": range_no, "fence": fence})).first()
        return None if row is None else Taken.of(row)

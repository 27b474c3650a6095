"""Sweeps: the closing walks over all keys. One at a time, leased like any range, so that one that dies is walked again."""

from __future__ import annotations

from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.errors import LeaseLost
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.held import HeldLeases
from penstock.ledger.jobrow import LOCK_JOB, JobRow
from penstock.ledger.ranges import Lease, RangeKind
from penstock.ledger.statements import statement
from penstock.ledger.transactions import Transactions

# Keys ranges may still be open: they only repeat rows that the ledger knows, and a sweep looks for those that it does not.
_IN_THE_WAY = statement(
    "SELECT range_no, kind, owner, fence FROM penstock_ranges "
    "WHERE job_id = :job AND state IN ('open', 'leased') AND kind IN ('span', 'sweep')"
)

_ADD_SWEEP = """
INSERT INTO penstock_ranges (job_id, range_no, kind, row_count, state, owner, fence, lease_until)
VALUES (:job, :range, 'sweep', 0, 'leased', :owner, 1, {later})
"""

_AT_END = statement("UPDATE penstock_jobs SET at_end = 1 WHERE job_id = :job")

_FINISH = statement(
    "UPDATE penstock_ranges SET state = 'done', owner = NULL, batch = batch + 1 "
    "WHERE job_id = :job AND range_no = :range AND owner = :owner AND fence = :fence AND state = 'leased'"
)

_WAS_FINISHED = statement(
    "SELECT 1 FROM penstock_ranges WHERE job_id = :job AND range_no = :range AND fence = :fence AND state = 'done'"
)

_REMEMBER = statement("UPDATE penstock_jobs SET last_sweep = :range, last_sweep_found = :found WHERE job_id = :job")

_LAST_SWEEP = statement("SELECT last_sweep, last_sweep_found FROM penstock_jobs WHERE job_id = :job")

# The next number first: a range that is made in between is behind it, or is found.
_NEXT_RANGE = statement("SELECT next_range FROM penstock_jobs WHERE job_id = :job")
_FIRST_UNFINISHED = statement(
    "SELECT MIN(range_no) FROM penstock_ranges WHERE job_id = :job AND state IN ('open', 'leased')"
)

_UNFINISHED = statement("SELECT COUNT(*) FROM penstock_ranges WHERE job_id = :job AND state IN ('open', 'leased')")


class Sweeps:
    def __init__(self, transactions: Transactions, dialect: LedgerDialect, job: JobRow, held: HeldLeases) -> None:
        self._transactions = transactions
        self._job = job
        self._named = {"job": job.job_id}
        self._held = held
        self._lock_job = dialect.statement(LOCK_JOB)
        self._add_sweep = dialect.statement(_ADD_SWEEP)

    async def start(self, owner: str, seconds: float) -> Lease | None:
        """See Ledger.start_sweep."""
        range_no = await self._transactions.write(partial(self._start, owner=owner, seconds=seconds))
        if range_no is None:
            return None
        return self._held.add(Lease(range_no, RangeKind.SWEEP, owner, fence=1, batch=0))

    async def _start(self, connection: AsyncConnection, owner: str, seconds: float) -> int | None:
        # Two workers that both see every span done must not both begin a sweep, nor one while another plans.
        await connection.execute(self._lock_job, self._named)
        in_the_way = (await connection.execute(_IN_THE_WAY, self._named)).all()
        match in_the_way:
            case []:
                range_no = await self._job.take_range_no(connection)
                parameters = {**self._named, "range": range_no, "owner": owner, "seconds": seconds}
                await connection.execute(self._add_sweep, parameters)
                await connection.execute(_AT_END, self._named)
                return range_no
            case [(range_no, RangeKind.SWEEP, holder, 1)] if holder == owner and not self._held.has(range_no, 1):
                return int(range_no)  # a COMMIT of unknown outcome had been applied
            case _:
                return None

    async def finish(self, lease: Lease, found: int) -> None:
        """See Ledger.finish_sweep."""
        parameters = {
            **self._named,
            "range": lease.range_no,
            "owner": lease.owner,
            "fence": lease.fence,
            "found": found,
        }

        async def write(connection: AsyncConnection) -> None:
            is_finished = (await connection.execute(_FINISH, parameters)).rowcount == 1
            if not is_finished and (await connection.execute(_WAS_FINISHED, parameters)).first() is None:
                raise LeaseLost(lease.range_no)
            await connection.execute(_REMEMBER, parameters)

        try:
            await self._transactions.write(write)
        except LeaseLost:
            self._held.forget(lease.range_no)
            raise
        self._held.forget(lease.range_no)

    async def last(self) -> tuple[int, int] | None:
        """See Ledger.last_sweep."""

        async def read(connection: AsyncConnection) -> tuple[int, int] | None:
            range_no, found = (await connection.execute(_LAST_SWEEP, self._named)).one()
            return None if range_no is None else (range_no, found)

        return await self._transactions.read(read)

    async def first_unfinished(self) -> int:
        """See Ledger.first_unfinished."""

        async def read(connection: AsyncConnection) -> int:
            next_range = (await connection.execute(_NEXT_RANGE, self._named)).scalar_one()
            first = (await connection.execute(_FIRST_UNFINISHED, self._named)).scalar()
            return int(next_range if first is None else first)

        return await self._transactions.read(read)

    async def unfinished(self) -> int:
        """See Ledger.unfinished."""

        async def read(connection: AsyncConnection) -> int:
            return int((await connection.execute(_UNFINISHED, self._named)).scalar_one())

        return await self._transactions.read(read)

"""The people's desk: what a person does by command, each act with its event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.errors import JobError, LedgerRefused
from penstock.events import EventKind
from penstock.ledger.base import IsDead
from penstock.ledger.concurrency import stored
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.jobrow import LOCK_JOB, find_or_create_job
from penstock.ledger.moving import Act, RowMover
from penstock.ledger.preparing import Preparing
from penstock.ledger.resetting import Resetting
from penstock.ledger.rows import Selection
from penstock.ledger.statements import statement
from penstock.ledger.states import RowState
from penstock.ledger.transactions import Transactions
from penstock.ledger.workers import Concurrency
from penstock.rows import KeyText

_PAUSE = statement("UPDATE penstock_jobs SET paused = :paused WHERE job_id = :job")

_SET_LIMITS = statement("UPDATE penstock_jobs SET rate = :rate, concurrency = :concurrency WHERE job_id = :job")

_ALIVE = "SELECT owner, host, pid FROM penstock_workers WHERE job_id = :job AND alive_until > {now}"

_RENEW_KEYS = statement("UPDATE penstock_jobs SET generation = generation + 1 WHERE job_id = :job")

_EXPECT_FLAGS = statement(
    "UPDATE penstock_ranges SET flags_due = 1, flags_no = flags_no + 1 WHERE job_id = :job AND imported > 0"
)

_LAST_EVENT = statement("SELECT COALESCE(MAX(event_no), 0) FROM penstock_events WHERE job_id = :job")


class SqlPeopleDesk:
    """Made by `penstock.ledger.desk.people_desk`. check: raises if the ledger is missing or not for this penstock."""

    def __init__(
        self,
        transactions: Transactions,
        dialect: LedgerDialect,
        job_name: str,
        is_dead: IsDead,
        *,
        check: Callable[[], Awaitable[None]],
        host: str,
    ) -> None:
        self._transactions = transactions
        self._dialect = dialect
        self._job_name = job_name
        self._is_dead = is_dead
        self._check = check
        self._preparing = Preparing(transactions, dialect, is_dead, host)
        self._alive = dialect.statement(_ALIVE)
        self._lock_job = dialect.statement(LOCK_JOB)

    async def prepare(self) -> Sequence[str]:
        return await self._preparing.prepare()

    async def prepare_sql(self) -> Sequence[str]:
        return await self._preparing.statements()

    async def undo_prepare(self) -> Sequence[str]:
        return await self._preparing.undo()

    async def pause(self) -> None:
        await self._set_paused(paused=True)

    async def resume(self) -> None:
        await self._set_paused(paused=False)

    async def set_limits(self, *, rate: float | None, concurrency: Concurrency | None) -> None:
        """See PeopleDesk.set_limits."""
        job_id = await self._job_id()
        wishes = {"rate": rate, "concurrency": stored(concurrency)}
        told = (
            f"rate={'default' if rate is None else f'{rate:g}'}, "
            f"concurrency={'default' if concurrency is None else concurrency}"
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(_SET_LIMITS, {"job": job_id, **wishes})
            await self._log(job_id).append(connection, [Event(EventKind.LIMITS_SET, told)], owner=None)

        await self._transactions.write(write)

    async def retry(self, selection: Selection, *, renew_keys: bool) -> int:
        """See PeopleDesk.retry. Raises JobError for states that are not retried but resolved."""
        others = selection.states - {RowState.FAILED, RowState.SKIPPED}
        if others:
            raise JobError(
                f"{', '.join(sorted(others))} rows are not retried: failed and skipped ones are; rows in doubt take "
                "`penstock resolve`"
            )
        job_id = await self._job_id()
        if renew_keys:
            await self._transactions.write(partial(self._renew_keys, job_id=job_id))
        act = Act(RowState.PENDING, EventKind.RETRIED, is_fresh=renew_keys)
        mover = RowMover(self._transactions, self._dialect, job_id)
        return sum([await mover.move(selection, before, act) for before in sorted(selection.states)])

    async def resolve(self, selection: Selection, state: RowState, *, receipt: str | None, note: str) -> int:
        """See PeopleDesk.resolve. The selection's states do not matter: rows in doubt are meant."""
        if state not in (RowState.IMPORTED, RowState.PENDING, RowState.FAILED):
            raise JobError(f"a row in doubt is resolved as imported, pending or failed, not as {state}")
        job_id = await self._job_id()
        # To send it again is to say that it was never applied: when it first went out does not matter any more.
        act = Act(state, EventKind.RESOLVED, note=note, receipt=receipt, is_fresh=True)
        return await RowMover(self._transactions, self._dialect, job_id).move(selection, RowState.IN_DOUBT, act)

    async def reopen(self, keys: Sequence[KeyText], note: str, *, renew_keys: bool) -> int:
        """See PeopleDesk.reopen."""
        job_id = await self._job_id()
        if renew_keys:
            await self._transactions.write(partial(self._renew_keys, job_id=job_id))
        mover = RowMover(self._transactions, self._dialect, job_id)
        selection = Selection(frozenset({RowState.IMPORTED}), keys)
        act = Act(RowState.PENDING, EventKind.REOPENED, note=note, is_fresh=renew_keys)
        return await mover.move(selection, RowState.IMPORTED, act) if keys else 0

    async def expect_flags(self) -> int:
        """See PeopleDesk.expect_flags."""
        job_id = await self._job_id()

        async def write(connection: AsyncConnection) -> int:
            await connection.execute(_EXPECT_FLAGS, {"job": job_id})
            await connection.execute(self._lock_job, {"job": job_id})  # whoever is just joining has told of it before
            return int((await connection.execute(_LAST_EVENT, {"job": job_id})).scalar_one())

        return await self._transactions.write(write)

    async def reset(self, *, renew_keys: bool, since: int | None = None) -> int:
        resetting = Resetting(self._transactions, self._dialect, await self._job_id(), self._job_name, self._is_dead)
        return await resetting.reset(renew_keys=renew_keys, since=since)

    async def aclose(self) -> None:
        await self._transactions.database.aclose()

    async def _job_id(self) -> int:
        await self._check()
        return await find_or_create_job(self._transactions, self._dialect, self._job_name)

    def _log(self, job_id: int) -> EventLog:
        return EventLog(self._dialect, job_id)

    async def _set_paused(self, *, paused: bool) -> None:
        job_id = await self._job_id()
        kind = EventKind.PAUSED if paused else EventKind.RESUMED

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(_PAUSE, {"job": job_id, "paused": int(paused)})
            await self._log(job_id).append(connection, [Event(kind)], owner=None)

        await self._transactions.write(write)

    async def _renew_keys(self, connection: AsyncConnection, job_id: int) -> None:
        for owner, host, pid in await connection.execute(self._alive, {"job": job_id}):
            if not self._is_dead(owner):
                raise LedgerRefused(
                    f"a worker of job {self._job_name!r} runs (pid {pid} on {host}) and would go on with the old idempotency "
                    "keys: stop it first"
                )
        await connection.execute(_RENEW_KEYS, {"job": job_id})
        await self._log(job_id).append(connection, [Event(EventKind.KEYS_RENEWED)], owner=None)

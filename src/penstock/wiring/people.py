"""What a person does by command to a job that may be running elsewhere: look, steer, settle, prepare, reset."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from penstock.clock import SystemClock
from penstock.engine.owner import is_dead
from penstock.errors import LedgerRefused
from penstock.ledger.base import PeopleDesk, ReadModel
from penstock.ledger.desk import people_desk
from penstock.ledger.opening import read_model
from penstock.ledger.states import RowState
from penstock.rows import KeyText
from penstock.source.flags import SourceFlagDesk
from penstock.source.open import open_source
from penstock.spec.models import Job
from penstock.wiring.databases import open_databases, open_ledger_database
from penstock.wiring.flags import desk_of, writer_of

PAGE = 500


@asynccontextmanager
async def open_read_model(job: Job) -> AsyncIterator[ReadModel]:
    """Raises LedgerMissing, LedgerRefused, LedgerUnreachable."""
    async with open_ledger_database(job) as database:
        yield await read_model(database, job.name, is_dead=is_dead)


@asynccontextmanager
async def open_people_desk(job: Job, *, create: bool = False) -> AsyncIterator[PeopleDesk]:
    """create: let SQLite make the ledger's file. The desk's acts raise LedgerMissing, LedgerRefused, LedgerUnreachable."""
    async with open_ledger_database(job, create=create) as database:
        yield people_desk(database, job.name, is_dead=is_dead)


async def refuse_live_workers(model: ReadModel, job_name: str) -> None:
    """Raises LedgerRefused if one is alive."""
    for worker in await model.workers():
        if worker.alive:
            raise LedgerRefused(
                f"job {job_name!r} is being run (pid {worker.pid} on {worker.host}): stop it first; "
                "after a crash it counts as gone within a minute or so"
            )


async def reset_job(job: Job, *, renew_keys: bool) -> int:
    """Clear the flags that penstock set, then forget the job's rows; returns how many. Refused (LedgerRefused) while a worker
    is alive: flags are cleared before the ledger forgets whose they are."""
    async with open_databases(job) as databases:
        model = await read_model(databases.ledger, job.name, is_dead=is_dead)
        await refuse_live_workers(model, job.name)
        ledger = people_desk(databases.ledger, job.name, is_dead=is_dead)
        since = None
        if job.source.flag is not None:
            source = await open_source(job, databases.source)
            desk = desk_of(writer_of(job, source.plan.flag, SystemClock()), databases)
            if desk is not None:
                since = await ledger.expect_flags()
                await _clear_flags(desk, model)
        return await ledger.reset(renew_keys=renew_keys, since=since)


async def _clear_flags(desk: SourceFlagDesk, model: ReadModel) -> None:
    after: KeyText | None = None
    while rows := await model.rows(frozenset({RowState.IMPORTED}), after, PAGE):
        await desk.clear([row.key for row in rows])
        after = rows[-1].key

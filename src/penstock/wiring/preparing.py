"""`penstock prepare`: the ledger's tables and the flag's column, made once and only when asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from penstock.database.connect import Database, open_database
from penstock.database.urls import same_database
from penstock.engine.owner import is_dead
from penstock.ledger.base import PeopleDesk
from penstock.ledger.desk import people_desk
from penstock.source.flag_trial import refuse_data
from penstock.source.inspect import inspect_source
from penstock.source.open import open_source
from penstock.source.prepare import add_flag_sql, drop_flag_sql, run_on_table
from penstock.spec.models import Job
from penstock.wiring.databases import Databases, open_databases, open_ledger_database


async def prepare_job(job: Job, *, undo: bool) -> Sequence[str]:
    """Make what is missing, or take it away again (refused while the ledger holds rows). Returns the statements run.

    Raises JobError for a job that no run could use, before anything is made.
    """
    async with _opened(job, create=not undo) as (databases, desk):
        facts = await inspect_source(job, databases.source)
        if facts.flag is not None and facts.flag.declared is not None and not undo:
            flag_table = (await open_source(job, databases.source)).plan.flag
            if flag_table is not None:
                await refuse_data(databases.source, flag_table)
        if undo:
            flag = () if facts.flag is None else drop_flag_sql(facts.server, facts.flag)
            of_ledger = await desk.undo_prepare()
        else:
            flag = () if facts.flag is None else add_flag_sql(facts.server, facts.flag)
            of_ledger = await desk.prepare()
        if facts.flag is not None:
            await run_on_table(databases.source, flag, facts.flag.table)
        return [*of_ledger, *flag]


async def prepare_statements(job: Job) -> Sequence[str]:
    """What `prepare_job` would run now, on the ledger and on the flag's table. Changes nothing."""
    async with open_databases(job) as databases:
        facts = await inspect_source(job, databases.source)
        flag = () if facts.flag is None else add_flag_sql(facts.server, facts.flag)
        return [*await people_desk(databases.ledger, job.name).prepare_sql(), *flag]


@asynccontextmanager
async def _opened(job: Job, *, create: bool) -> AsyncIterator[tuple[Databases, PeopleDesk]]:
    """create: an SQLite ledger of its own may be made; a source that is missing stays missing."""
    source: Database = open_database(job.source.url, folder=job.folder)
    try:
        if same_database(job.source.url, job.ledger.url, job.folder):
            yield Databases(source, source), people_desk(source, job.name, is_dead=is_dead)
            return
        async with open_ledger_database(job, create=create) as ledger:
            yield Databases(source, ledger), people_desk(ledger, job.name, is_dead=is_dead)
    finally:
        await source.aclose()

"""A small old table on MariaDB or SQLite, its ledger beside it or elsewhere, and a job that sends its rows to a test's API."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text
from tests.engine.api import Api

from penstock.database.connect import Database, open_database
from penstock.engine.report import RunOptions, Summary
from penstock.engine.stop import Stop
from penstock.events import EventKind
from penstock.ledger.base import LedgerRow, StoredEvent
from penstock.ledger.states import RowState
from penstock.spec.loader import load
from penstock.spec.models import Job
from penstock.wiring import open_read_model, prepare_job, run_job

JOB = """\
name: {name}
source:
  url: {source}
  query: SELECT id, name FROM items
  key: id
  {flag}
target:
  url: http://127.0.0.1:{port}/items
  receipt: "{{{{ body.id }}}}"
  idempotent: {idempotent}
delivery:
  concurrency: {concurrency}
  timeout: {{connect: 1s, total: {total}}}
  backoff: {{first: 1ms, max: 5ms}}
  stop_at: never
  {delivery}
ledger:
  url: {ledger}
  {lease}
"""

_TABLES = {
    "sqlite": "CREATE TABLE items (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL, updated_at TIMESTAMP DEFAULT 0)",
    # updated_at is what old databases have and what a careless marker of rows would spoil.
    "mysql": """CREATE TABLE items (
        id BIGINT UNSIGNED PRIMARY KEY, name VARCHAR(50) NOT NULL,
        updated_at TIMESTAMP NOT NULL DEFAULT '2020-02-20 20:20:20' ON UPDATE CURRENT_TIMESTAMP) ENGINE = InnoDB""",
}

_LEDGER_ADDS_UP = """
SELECT COUNT(*) FROM penstock_ranges WHERE kind <> 'sweep' AND row_count IS NOT NULL
  AND (SELECT COUNT(*) FROM penstock_rows r WHERE r.job_id = penstock_ranges.job_id
       AND r.range_no = penstock_ranges.range_no AND r.state = '{state}') <> penstock_ranges.{state}
"""


class Migration:
    """Made by `migration`. source, ledger: connections of the test's own, past penstock and past any proxy."""

    def __init__(self, folder: Path, job: Job, source: Database, ledger: Database) -> None:
        self.folder = folder
        self.job = job
        self.source = source
        self.ledger = ledger

    async def run(self, options: RunOptions | None = None, stop: Stop | None = None) -> Summary:
        """One worker's run in this process."""
        return await run_job(self.job, options or RunOptions(), stop or Stop())

    async def start(self, *constants: str) -> asyncio.subprocess.Process:
        """A worker in a process of its own. constants: "module.NAME=1.0", what is to be shorter there than usual."""
        lines = ["import sys", "from penstock.cli.main import main"]
        for constant in constants:
            name, _, value = constant.partition("=")
            module = name.rpartition(".")[0]
            lines += [f"import {module}", f"{name} = {value}"]
        lines.append("sys.exit(main(['run', 'job.yaml']))")
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "\n".join(lines),
            cwd=self.folder,
            stdout=asyncio.subprocess.DEVNULL,
        )

    async def add(self, keys: Iterable[int]) -> None:
        await fill(self.source, keys)

    async def change(self, *statements: str) -> None:
        """In one transaction of the source."""
        await change(self.source, *statements)

    async def ask(self, query: str) -> Sequence[Sequence[object]]:
        """Of the source."""
        return await ask(self.source, query)

    async def ask_ledger(self, query: str) -> Sequence[Sequence[object]]:
        return await ask(self.ledger, query)

    async def rows(self) -> Mapping[int, LedgerRow]:
        """All that the ledger knows, by key."""
        async with open_read_model(self.job) as model:
            return {int(row.key): row for row in await model.rows(frozenset(RowState), None, 100_000)}

    async def keys(self, state: RowState) -> set[int]:
        return {key for key, row in (await self.rows()).items() if row.state is state}

    async def events(self, kind: EventKind) -> Sequence[StoredEvent]:
        async with open_read_model(self.job) as model:
            found = await model.events(limit=10_000)
        return [event for event in found if event.kind is kind]

    async def flagged(self) -> set[int]:
        return {int(str(key)) for (key,) in await self.ask("SELECT id FROM items WHERE is_import = 1")}

    async def check_counters(self) -> None:
        """What each range says of its rows is what the rows say, and the job's totals are what the ledger holds."""
        for state in RowState:
            if state.is_final:
                [(wrong,)] = await self.ask_ledger(_LEDGER_ADDS_UP.format(state=state.value))
                assert wrong == 0, f"{wrong} ranges count their {state} rows wrongly"
        async with open_read_model(self.job) as model:
            counts = await model.counts()
        held = [row.state for row in (await self.rows()).values()]
        for state, counted in (
            (RowState.IMPORTED, counts.imported),
            (RowState.FAILED, counts.failed),
            (RowState.IN_DOUBT, counts.in_doubt),
            (RowState.SKIPPED, counts.skipped),
        ):
            assert held.count(state) == counted, f"{held.count(state)} rows are {state}, the ledger counts {counted}"


@asynccontextmanager
async def migration(
    folder: Path,
    api: Api,
    source: str,
    *,
    rows: Iterable[int] = range(1, 11),
    ledger: str | None = None,
    source_through: str | None = None,
    ledger_through: str | None = None,
    idempotent: bool = False,
    flag: bool = True,
    concurrency: int = 4,
    total: str = "5s",
    lease: str = "",
    delivery: str = "",
) -> AsyncIterator[Migration]:
    """A table of these rows whose ledger has been prepared.

    ledger: its URL if it lies elsewhere; a SQLite file that is missing is made. ..._through: by which URL the job reaches them
    (a proxy's), if not by the same.
    """
    source_database = open_database(SecretStr(source), folder=str(folder))
    ledger_database = open_database(SecretStr(ledger or source), folder=str(folder))
    try:
        await change(source_database, _TABLES["sqlite" if source_database.kind == "sqlite" else "mysql"])
        await fill(source_database, rows)
        job = write_job(
            folder,
            api,
            source=source_through or source,
            ledger=ledger_through or ledger or source_through or source,
            idempotent=idempotent,
            flag=flag,
            concurrency=concurrency,
            total=total,
            lease=lease,
            delivery=delivery,
        )
        await prepare_job(job, undo=False)
        yield Migration(folder, job, source_database, ledger_database)
    finally:
        await source_database.aclose()
        await ledger_database.aclose()


def write_job(
    folder: Path,
    api: Api,
    *,
    source: str,
    ledger: str,
    name: str = "items",
    file: str = "job.yaml",
    idempotent: bool = False,
    flag: bool = True,
    concurrency: int = 4,
    total: str = "5s",
    lease: str = "",
    delivery: str = "",
) -> Job:
    (folder / file).write_text(
        JOB.format(
            name=name,
            source=source,
            ledger=ledger,
            port=api.port,
            idempotent=str(idempotent).lower(),
            flag="flag: {table: items}" if flag else "",
            concurrency=concurrency,
            total=total,
            lease=f"lease: {lease}" if lease else "",
            delivery=delivery,
        )
    )
    return load(folder / file, environment={})


async def fill(database: Database, keys: Iterable[int]) -> None:
    records = [{"id": key, "name": f"item {key}"} for key in keys]
    if records:
        async with database.writing() as connection:
            await connection.execute(text("INSERT INTO items (id, name) VALUES (:id, :name)"), records)


async def change(database: Database, *statements: str) -> None:
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def ask(database: Database, query: str) -> Sequence[Sequence[object]]:
    async with database.reading() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]

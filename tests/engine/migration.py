"""A small old table on any database, its ledger beside it or elsewhere, and a job that sends its rows to a test's API."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

from pydantic import SecretStr
from sqlalchemy import make_url, text
from tests.engine.api import Api
from tests.engine.proxy import Proxy

from penstock.database.connect import Database, open_database
from penstock.engine.report import RunOptions, Summary
from penstock.engine.stop import Stop
from penstock.events import EventKind
from penstock.ledger.events import StoredEvent
from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState
from penstock.spec.loader import load
from penstock.spec.models import Job
from penstock.wiring import open_read_model, opened_broker, prepare_job, run_job

JOB = """\
name: {name}
source:
  url: {source}
  query: SELECT id, name FROM items
  key: {key}
  {flag}
target:
  url: http://127.0.0.1:{port}/items
  receipt: "{{{{ body.id }}}}"
  idempotent: {idempotent}
delivery:
  concurrency: {concurrency}
  timeout: {{total: {total}}}
  backoff: {{first: 1ms, max: 5ms}}
  stop_at: {stop_at}
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
    "postgresql": "CREATE TABLE items (id BIGINT PRIMARY KEY, name VARCHAR(50) NOT NULL, updated_at TIMESTAMP DEFAULT NOW())",
}

_LEDGER_ADDS_UP = """
SELECT COUNT(*) FROM penstock_ranges WHERE kind <> 'sweep' AND row_count IS NOT NULL
  AND (SELECT COUNT(*) FROM penstock_rows r WHERE r.job_id = penstock_ranges.job_id
       AND r.range_no = penstock_ranges.range_no AND r.state = '{state}') <> penstock_ranges.{state}
"""


class Migration:
    """Made by `migration`. source, ledger: connections of the test's own, past penstock and past any proxy."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        job: Job,
        direct_job: Job,
        source: Database,
        ledger: Database,
    ) -> None:
        self.folder = folder
        self.job = job
        self._environment = environment
        self._direct_job = direct_job
        self.source = source
        self.ledger = ledger

    async def run(
        self, options: RunOptions | None = None, stop: Stop | None = None, *, broker: str | None = None
    ) -> Summary:
        """One worker's run in this process. broker: the URL of one that hands the ranges out."""
        open_broker = None if broker is None else partial(opened_broker, broker, self.job)
        return await run_job(self.job, options or RunOptions(), stop or Stop(), open_broker=open_broker)

    async def run_directly(self, *, broker: str | None = None) -> Summary:
        """One worker's run in this process, that reaches the ledger past the proxy. broker: as in `run`."""
        open_broker = None if broker is None else partial(opened_broker, broker, self._direct_job)
        return await run_job(self._direct_job, RunOptions(), Stop(), open_broker=open_broker)

    async def start(
        self, *constants: str, command: str = "run", options: Sequence[str] = (), broker: str | None = None
    ) -> asyncio.subprocess.Process:
        """A worker in a process of its own. constants: "module.NAME=1.0", what is to be shorter there than usual. options: of the
        command."""
        lines = ["import sys", "from penstock.cli.main import main"]
        for constant in constants:
            name, _, value = constant.partition("=")
            module = name.rpartition(".")[0]
            lines += [f"import {module}", f"{name} = {value}"]
        lines.append(f"sys.exit(main({[command, 'job.yaml', *options]}))")
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "\n".join(lines),
            cwd=self.folder,
            env={**os.environ, **self._environment, **({} if broker is None else {"PENSTOCK_BROKER": broker})},
            stdout=asyncio.subprocess.DEVNULL,
        )

    def change_file(self, was: str, becomes: str) -> None:
        """For all that reads it from now on, and for runs in this process."""
        path = self.folder / "job.yaml"
        path.write_text(path.read_text().replace(was, becomes))
        self.job = load(path, environment=self._environment)

    async def add(self, keys: Iterable[int]) -> None:
        await fill(self.source, keys)

    async def change(self, *statements: str) -> None:
        """In one transaction of the source."""
        await change(self.source, *statements)

    async def change_ledger(self, *statements: str) -> None:
        await change(self.ledger, *statements)

    async def ask(self, query: str) -> Sequence[Sequence[object]]:
        """Of the source."""
        return await ask(self.source, query)

    async def ask_ledger(self, query: str) -> Sequence[Sequence[object]]:
        return await ask(self.ledger, query)

    async def rows(self) -> Mapping[int, LedgerRow]:
        """All that the ledger knows, by key."""
        async with open_read_model(self._direct_job) as model:
            return {int(row.key): row for row in await model.rows(frozenset(RowState), None, 100_000)}

    async def keys(self, state: RowState) -> set[int]:
        return {key for key, row in (await self.rows()).items() if row.state is state}

    async def events(self, kind: EventKind) -> Sequence[StoredEvent]:
        async with open_read_model(self._direct_job) as model:
            found = await model.events(limit=10_000)
        return [event for event in found if event.kind is kind]

    async def flagged(self) -> set[int]:
        return {int(str(key)) for (key,) in await self.ask("SELECT id FROM items WHERE is_import = 1")}

    async def has_open_transactions(self) -> bool:
        """Whether anybody is within a transaction in the source or in the ledger."""
        return await _is_in_use(self.source) or await _is_in_use(self.ledger)

    async def check_counters(self) -> None:
        """What each range says of its rows is what the rows say, and the job's totals are what the ledger holds."""
        for state in RowState:
            if state.is_final:
                [(wrong,)] = await self.ask_ledger(_LEDGER_ADDS_UP.format(state=state.value))
                assert wrong == 0, f"{wrong} ranges count their {state} rows wrongly"
        async with open_read_model(self._direct_job) as model:
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
    source_through: Proxy | None = None,
    ledger_through: Proxy | None = None,
    **settings: Unpack[Settings],
) -> AsyncIterator[Migration]:
    """A table of these rows whose ledger has been prepared.

    ledger: its URL if it lies elsewhere; a SQLite file that is missing is made. ..._through: by which proxy the job reaches them.
    """
    ledger = ledger or source
    source_database = open_database(SecretStr(source), folder=str(folder))
    ledger_database = open_database(SecretStr(ledger), folder=str(folder))
    # Both ways to the ledger are one and the same job file.
    ledger_port = str(make_url(ledger).port)
    environment = {"LEDGER_PORT": str(ledger_through.port) if ledger_through else ledger_port}
    try:
        await change(source_database, _TABLES[source_database.kind])
        await fill(source_database, rows)
        write_job(
            folder,
            api,
            source=source_through.url(source) if source_through else source,
            ledger=source_through.url(source)
            if source_through and ledger == source
            else ledger.replace(f":{ledger_port}/", ":${LEDGER_PORT}/"),
            **settings,
        )
        job = load(folder / "job.yaml", environment=environment)
        await prepare_job(job, undo=False)
        direct_job = load(folder / "job.yaml", environment={"LEDGER_PORT": ledger_port})
        yield Migration(folder, environment, job, direct_job, source_database, ledger_database)
    finally:
        await source_database.aclose()
        await ledger_database.aclose()


class Settings(TypedDict, total=False):
    """Of a job file; what is left out is as most tests need it."""

    name: str
    key: str
    idempotent: bool
    flag: bool
    concurrency: int
    total: str  # timeout.total
    lease: str
    stop_at: str
    delivery: str  # further lines


_USUAL: Settings = {
    "stop_at": "never",
    "name": "items",
    "key": "id",
    "idempotent": False,
    "flag": True,
    "concurrency": 4,
    "total": "5s",
    "lease": "",
    "delivery": "",
}


def write_job(
    folder: Path, api: Api, *, source: str, ledger: str, file: str = "job.yaml", **settings: Unpack[Settings]
) -> Path:
    job = {**_USUAL, **settings}
    path = folder / file
    path.write_text(
        JOB.format(
            name=job["name"],
            key=job["key"],
            source=source,
            ledger=ledger,
            port=api.port,
            idempotent=str(job["idempotent"]).lower(),
            flag="flag: {table: items}" if job["flag"] else "",
            concurrency=job["concurrency"],
            total=job["total"],
            lease=f"lease: {job['lease']}" if job["lease"] else "",
            stop_at=job["stop_at"],
            delivery=job["delivery"],
        )
    )
    return path


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


_TRANSACTIONS = {
    "mysql": """
SELECT COUNT(*) FROM information_schema.innodb_trx JOIN information_schema.processlist ON id = trx_mysql_thread_id
WHERE db = DATABASE() AND id <> CONNECTION_ID()
""",
    "postgresql": """
SELECT COUNT(*) FROM pg_stat_activity
WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
""",
}


async def _is_in_use(database: Database) -> bool:
    if database.kind != "sqlite":
        [(transactions,)] = await ask(database, _TRANSACTIONS[database.kind])
        return transactions != 0
    with closing(sqlite3.connect(database.address, timeout=0.0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False

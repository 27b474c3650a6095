"""A small old shop in SQLite, its ledger in the same file, and a job that sends its orders to a test's API."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from tests.engine.api import Api

from penstock.engine.report import Progress, RunOptions, Summary
from penstock.engine.stop import Stop
from penstock.events import EventKind
from penstock.ledger.events import StoredEvent
from penstock.ledger.rows import Counts, LedgerRow
from penstock.ledger.states import RowState
from penstock.spec.loader import load
from penstock.spec.models import Job
from penstock.wiring import open_read_model, prepare_job, run_job

JOB = """\
name: orders
source:
  url: sqlite:///shop.db
  query: SELECT id, name, amount FROM orders WHERE id % {every} = 0
  key: id
  {source}
target:
  url: http://127.0.0.1:{port}{path}
  headers: {{Authorization: Bearer token-of-the-shop}}
  receipt: "{{{{ body.id }}}}"
  {target}
delivery:
  timeout: {{connect: {total}, total: {total}}}
  backoff: {{first: 1ms, max: 5ms}}
  {delivery}
"""


class Shop:
    """`rows` orders, numbered from 1, whose ledger has been prepared. Made by `open_shop`."""

    def __init__(self, folder: Path, job: Job, rows: int) -> None:
        self.job = job
        self.rows = rows
        self._folder = folder

    async def run(
        self,
        options: RunOptions | None = None,
        stop: Stop | None = None,
        *,
        show: Callable[[Progress], None] | None = None,
    ) -> Summary:
        """One worker's run, whatever becomes of it. What the ledger counts afterwards adds up, or this fails."""
        report = await run_job(self.job, options or RunOptions(), stop or Stop(), show=show)
        check_that_it_adds_up(report.counts, self.rows)
        return report

    async def events(self, kind: EventKind, key: str | None = None) -> Sequence[StoredEvent]:
        """The oldest first."""
        async with open_read_model(self.job) as model:
            found = await model.events(key=key, limit=10_000)
        return [event for event in reversed(found) if event.kind is kind]

    async def row(self, key: str) -> LedgerRow:
        async with open_read_model(self.job) as model:
            row = await model.row(key)
        assert row is not None, f"the ledger does not know row {key}"
        return row

    async def keys(self, state: RowState) -> set[int]:
        async with open_read_model(self.job) as model:
            return {int(row.key) for row in await model.rows(frozenset({state}), None, 100_000)}

    def ask(self, query: str) -> Sequence[tuple[object, ...]]:
        """Look into the shop's file, the ledger included, without penstock."""
        with closing(sqlite3.connect(self._folder / "shop.db")) as connection:
            return connection.execute(query).fetchall()

    async def change(self, statement: str) -> None:
        """In a thread: a run in this loop may hold the file's one lock, and can give it back only while the loop turns."""
        await asyncio.to_thread(self._change, statement)

    def _change(self, statement: str) -> None:
        with closing(sqlite3.connect(self._folder / "shop.db")) as connection, connection:
            connection.execute(statement)

    def flags(self) -> Mapping[int, int]:
        return {int(str(key)): int(str(flag)) for key, flag in self.ask("SELECT id, is_import FROM orders")}


async def open_shop(
    folder: Path,
    api: Api,
    *,
    rows: int = 10,
    path: str = "/orders",
    source: str = "",
    target: str = "",
    delivery: str = "",
    total: str = "5s",
    every: int = 1,
) -> Shop:
    """source, target, delivery: further lines of these parts of the job file. total: delivery.timeout.total.

    every: how many orders the table holds for each one that the query shows, so that a span of keys has few rows: there is
    work for several workers then. The rows' ids are multiples of it.
    """
    with closing(sqlite3.connect(folder / "shop.db")) as connection, connection:
        connection.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount INTEGER, note TEXT)"
        )
        connection.executemany(
            "INSERT INTO orders (id, name, amount) VALUES (?, ?, ?)",
            [(number, f"order {number}", 10 * number) for number in range(1, rows * every + 1)],
        )
    job = write_job(folder, api, path=path, source=source, target=target, delivery=delivery, total=total, every=every)
    await prepare_job(job, undo=False)
    return Shop(folder, job, rows)


def write_job(
    folder: Path, api: Api, *, path: str, source: str, target: str, delivery: str, total: str, every: int
) -> Job:
    file = folder / "orders.yaml"
    file.write_text(
        JOB.format(
            port=api.port,
            path=path,
            source=_lines(source),
            target=_lines(target),
            delivery=_lines(delivery),
            total=total,
            every=every,
        )
    )
    return load(file, environment={})


def check_that_it_adds_up(counts: Counts, rows: int) -> None:
    known = counts.imported + counts.failed + counts.in_doubt + counts.skipped + counts.pending
    if counts.pending_exact:
        assert known == rows, counts
    else:
        assert known <= rows, counts


def _lines(text: str) -> str:
    return "\n  ".join(text.strip().splitlines())

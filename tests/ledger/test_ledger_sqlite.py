"""SQLite alone: several processes write to one file, and one that keeps it too long is no error of the ledger's."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.ledger.contract.bench import bench_at, close, imported, marked, portion, span
from tests.ledger.settling_process import ROWS

from penstock.errors import LedgerUnreachable

SPANS = 12


async def test_processes_writing_at_once_wait_for_one_another(sqlite_url: str) -> None:
    bench = await bench_at(sqlite_url)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.ledger.settling_process", sqlite_url, owner, str(SPANS),
            cwd=Path(__file__).parents[2],
        )
        for owner in ("one", "two", "three")
    ]  # fmt: skip

    assert [await process.wait() for process in processes] == [0, 0, 0]

    counts = await bench.model.counts()
    assert (counts.imported, counts.pending, await bench.alice.unfinished()) == (3 * SPANS * 2 * ROWS, 0, 0)
    await bench.assert_it_adds_up()
    await close(bench)


async def test_a_file_that_somebody_keeps_locked_is_out_of_reach_and_not_broken(sqlite_url: str) -> None:
    bench = await bench_at(sqlite_url)
    lease = await span(bench.alice, None, "9")
    impatient = bench.alice._transactions.database.engine
    async with impatient.connect() as connection:
        await connection.execute(text("PRAGMA busy_timeout = 1"))
    async with bench.database.writing():
        with pytest.raises(LedgerUnreachable, match="lock"):
            await bench.alice.settle([portion(lease, 1, imported("1"))], marked)

    await bench.alice.settle([portion(lease, 1, imported("1"))], marked)
    assert await bench.states() == {"1": "imported"}
    await close(bench)

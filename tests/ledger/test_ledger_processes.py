"""Several processes settle in one ledger at once."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.ledger.contract.bench import bench_at, close
from tests.ledger.settling_process import ROWS

SPANS = 12


async def test_p21_processes_writing_at_once_wait_for_one_another(database_url: str) -> None:
    bench = await bench_at(database_url)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.ledger.settling_process", database_url, owner, str(SPANS),
            cwd=Path(__file__).parents[2],
        )
        for owner in ("one", "two", "three")
    ]  # fmt: skip

    assert [await process.wait() for process in processes] == [0, 0, 0]

    counts = await bench.model.counts()
    assert (counts.imported, counts.pending, await bench.alice.unfinished()) == (3 * SPANS * 2 * ROWS, 0, 0)
    await bench.assert_it_adds_up()
    await close(bench)

"""A disk that fails under the ledger's file while rows are on the wire."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, accept, serving
from tests.engine.broken_disk import TELLS
from tests.engine.migration import migration

from penstock.engine.stop import Ended
from penstock.ledger.states import RowState

ROOT = Path(__file__).parents[2]
ROWS = range(1, 1001)
BREAKS_AT = 50


def until_there(path: Path) -> None:
    while not path.exists():
        os.sched_yield()


@pytest.mark.parametrize("ledger", [None, "sqlite:///ledger.db"], ids=["rollback journal", "write-ahead log"])
async def test_p12_what_the_disk_did_not_take_is_not_taken_for_written_and_no_answer_is_lost(
    tmp_path: Path, sqlite_url: str, ledger: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    async with (
        serving() as api,
        migration(tmp_path, api, sqlite_url, rows=ROWS, ledger=ledger, delivery="give_up_after: 500ms") as job,
    ):
        is_broken = asyncio.Event()

        async def answer(asked: Asked) -> Reply:
            if asked.number == BREAKS_AT:
                worker.send_signal(signal.SIGUSR1)
                await asyncio.to_thread(until_there, tmp_path / TELLS)
                is_broken.set()
            elif asked.number > BREAKS_AT:
                await is_broken.wait()
            return asked.accepted

        api.script = answer
        worker = await job.start("tests.engine.broken_disk.IS_LOADED=True", "penstock.engine.settler.LAST_PATIENCE=0.3")
        assert await worker.wait() == 3
        assert BREAKS_AT <= len(api.orders) < len(ROWS)
        api.script = accept
        report = await job.run()
        assert (report.ended, report.counts.imported, report.counts.in_doubt) == (Ended.DONE, len(ROWS), 0)
        assert sorted(api.orders) == list(ROWS)
        assert await job.keys(RowState.IMPORTED) == await job.flagged() == set(ROWS)
        await job.check_counters()

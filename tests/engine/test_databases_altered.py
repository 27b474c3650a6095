"""What others do to the source behind a run's back: idle sessions closed, the table exchanged for another, or dropped."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, serving
from tests.engine.migration import migration

from penstock.database.faults import DATABASE_ERRORS
from penstock.engine import planner
from penstock.engine.stop import Ended
from penstock.errors import JobError
from penstock.ledger.states import RowState

LEDGER = "sqlite:///ledger.db"


@pytest.fixture(autouse=True)
def small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows then need many reads."""
    monkeypatch.setattr(planner, "SPAN", 5)


async def test_s5_sessions_that_the_server_closed_while_they_were_idle_cost_nothing(
    tmp_path: Path, mariadb_url: str
) -> None:
    closed: list[int] = []
    async with (
        serving() as api,
        migration(tmp_path, api, mariadb_url, rows=range(1, 101), concurrency=1) as job,
        job.source.reading() as connection,
    ):

        async def idle() -> set[int]:
            found = await connection.exec_driver_sql(
                "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND command = 'Sleep'"
            )
            return {number for (number,) in found}

        own = await idle()

        async def answer(asked: Asked) -> Reply:
            if asked.number in (20, 60):
                for number in await idle() - own:
                    with suppress(*DATABASE_ERRORS):  # it has gone by itself
                        await connection.exec_driver_sql(f"KILL {number}")
                        closed.append(number)
                while not (await idle()).isdisjoint(closed):
                    pass  # asking takes its time
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert len(closed) >= 4
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 100, 0)
        assert sorted(api.orders) == list(range(1, 101))
        assert await job.flagged() == set(range(1, 101))


async def test_s15_a_table_that_another_took_the_place_of_is_read_and_flagged_on_under_its_name(
    tmp_path: Path, mariadb_url: str
) -> None:
    """As tools do that alter a table by copying it."""
    exchange = (
        "CREATE TABLE items_new LIKE items",
        "ALTER TABLE items_new ADD COLUMN colour VARCHAR(20)",
        "INSERT INTO items_new (id, name, updated_at, is_import) SELECT id, name, updated_at, is_import FROM items",
        "RENAME TABLE items TO items_old, items_new TO items",
    )
    async with (
        serving() as api,
        migration(tmp_path, api, mariadb_url, rows=range(1, 101), ledger=LEDGER, concurrency=1) as job,
    ):

        async def answer(asked: Asked) -> Reply:
            if asked.number == 50:
                await job.change(*exchange)
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 100, 0)
        assert sorted(api.orders) == list(range(1, 101))
        assert await job.flagged() >= set(range(51, 101))
        await job.run()
        assert len(api.orders) == 100


async def test_s16_a_table_that_is_dropped_under_a_run_ends_it_and_the_ledger_keeps_what_it_knows(
    tmp_path: Path, server_url: str
) -> None:
    async with (
        serving() as api,
        migration(tmp_path, api, server_url, rows=range(1, 101), ledger=LEDGER, concurrency=1, flag=False) as job,
    ):

        async def answer(asked: Asked) -> Reply:
            if asked.number == 20:
                await job.change("DROP TABLE items")
            return asked.accepted

        api.script = answer
        with pytest.raises(JobError, match="items"):
            await job.run()
        assert 20 <= len(api.orders) < 100
        assert await job.keys(RowState.IMPORTED) == set(api.orders)
        await job.check_counters()

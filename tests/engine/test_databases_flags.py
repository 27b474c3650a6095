"""Flags follow the ledger, and nobody else's: rows that others lock, columns that touch themselves, flags set by others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.engine.api import Asked, Reply, accept, for_orders, serving
from tests.engine.migration import Migration, migration

from penstock.engine import flagging
from penstock.engine.stop import Ended
from penstock.errors import JobError
from penstock.ledger.states import RowState
from penstock.wiring import reset_job

ELSEWHERE = "sqlite:///ledger.db"
beside_or_elsewhere = pytest.mark.parametrize("ledger", [None, ELSEWHERE], ids=["beside", "elsewhere"])


@asynccontextmanager
async def row_locked(job: Migration, key: int) -> AsyncIterator[asyncio.Event]:
    """Another session holds the row until the event is set, or the block ends."""
    released = asyncio.Event()
    locked = asyncio.Event()

    async def hold() -> None:
        async with job.source.writing() as connection:
            await connection.execute(text(f"SELECT id FROM items WHERE id = {key} FOR UPDATE"))
            locked.set()
            await released.wait()

    holding = asyncio.create_task(hold())
    await locked.wait()
    try:
        yield released
    finally:
        released.set()
        await holding


async def until_imported(job: Migration, keys: set[int]) -> None:
    async with asyncio.timeout(20.0):
        while await job.keys(RowState.IMPORTED) != keys:
            pass  # asking takes its time


@beside_or_elsewhere
async def test_s6_a_row_that_others_lock_is_flagged_within_the_run_once_the_lock_goes(
    tmp_path: Path, mariadb_url: str, ledger: str | None
) -> None:
    async with serving() as api, migration(tmp_path, api, mariadb_url, ledger=ledger) as job:
        async with row_locked(job, 3) as released:
            running = asyncio.create_task(job.run())
            await until_imported(job, set(range(1, 11)))
            assert 3 not in await job.flagged()
            assert not running.done()
            released.set()
            report = await running
        assert (report.ended, report.counts.imported) == (Ended.DONE, 10)
        assert await job.flagged() == set(range(1, 11))
        assert await job.ask_ledger("SELECT COUNT(*) FROM penstock_ranges WHERE flags_due = 1") == [(0,)]


@beside_or_elsewhere
async def test_s6_a_row_that_others_lock_for_ever_does_not_keep_the_run_from_ending_and_the_next_run_flags_it(
    tmp_path: Path, mariadb_url: str, ledger: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flagging, "LAST_PATIENCE", 0.3)
    async with serving() as api, migration(tmp_path, api, mariadb_url, ledger=ledger) as job:
        async with row_locked(job, 3):
            report = await job.run()
            assert (report.ended, report.counts.imported) == (Ended.STOPPED, 10)
            assert await job.flagged() == set(range(1, 11)) - {3}
        report = await job.run()
        assert len(api.orders) == 10
        assert await job.flagged() == set(range(1, 11))


@beside_or_elsewhere
async def test_s20_only_the_flag_of_a_row_changes(tmp_path: Path, mariadb_url: str, ledger: str | None) -> None:
    everything = "SELECT id, name, updated_at FROM items ORDER BY id"
    async with serving() as api, migration(tmp_path, api, mariadb_url, ledger=ledger) as job:
        before = await job.ask(everything)
        await job.run()
        assert await job.ask(everything) == before
        await reset_job(job.job, renew_keys=False)
        assert await job.ask(everything) == before
        # The column does touch itself when others write.
        await job.change("UPDATE items SET name = 'another' WHERE id = 1")
        assert (await job.ask(everything))[0][2] != before[0][2]


@beside_or_elsewhere
async def test_flags_of_others_are_left_alone_by_run_and_by_reset(
    tmp_path: Path, database_url: str, ledger: str | None
) -> None:
    refused = for_orders({5: Reply(422)})
    async with serving(refused) as api, migration(tmp_path, api, database_url, ledger=ledger) as job:
        await job.change("UPDATE items SET is_import = 1 WHERE id IN (2, 4)")
        report = await job.run()
        assert (report.counts.imported, report.counts.skipped, report.counts.failed) == (7, 2, 1)
        assert await job.flagged() == {1, 2, 3, 4, 6, 7, 8, 9, 10}
        assert (await job.rows())[2].reason == "flag set before"
        assert await reset_job(job.job, renew_keys=False) == 10
        assert await job.flagged() == {2, 4}
        api.script = accept
        report = await job.run()
        assert (report.counts.imported, report.counts.skipped, report.counts.failed) == (8, 2, 0)
        assert {2, 4}.isdisjoint(api.orders)


@beside_or_elsewhere
async def test_a_flag_that_appears_while_the_row_is_on_the_wire_keeps_nothing_from_being_settled(
    tmp_path: Path, database_url: str, ledger: str | None
) -> None:
    async with serving() as api, migration(tmp_path, api, database_url, ledger=ledger) as job:

        async def answer(asked: Asked) -> Reply:
            await job.change(f"UPDATE items SET is_import = 1 WHERE id = {asked.order}")
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert (report.counts.imported, report.counts.skipped) == (10, 0)
        assert await job.flagged() == set(range(1, 11))
        assert await job.ask_ledger("SELECT COUNT(*) FROM penstock_ranges WHERE flags_due = 1") == [(0,)]


@beside_or_elsewhere
async def test_s18_a_flag_that_a_rule_silently_keeps_is_told_and_stays_due(
    tmp_path: Path, postgresql_url: str, ledger: str | None
) -> None:
    await told_and_due(
        tmp_path,
        postgresql_url,
        ledger,
        keeping="CREATE RULE hands_off AS ON UPDATE TO items WHERE OLD.id = 3 DO INSTEAD NOTHING",
        no_more="DROP RULE hands_off ON items",
    )


@beside_or_elsewhere
async def test_s18_a_flag_that_a_trigger_of_sqlite_silently_keeps_is_told_and_stays_due(
    tmp_path: Path, sqlite_url: str, ledger: str | None
) -> None:
    await told_and_due(
        tmp_path,
        sqlite_url,
        ledger,
        keeping="CREATE TRIGGER hands_off BEFORE UPDATE ON items WHEN OLD.id = 3 BEGIN SELECT RAISE(IGNORE); END",
        no_more="DROP TRIGGER hands_off",
    )


async def told_and_due(folder: Path, source: str, ledger: str | None, *, keeping: str, no_more: str) -> None:
    async with serving() as api, migration(folder, api, source, ledger=ledger) as job:
        await job.change(keeping)
        with pytest.raises(JobError, match="accepted row 3, and an UPDATE of items leaves its flag as it was"):
            await job.run()
        assert await job.keys(RowState.IMPORTED) == set(range(1, 11))
        await job.change(no_more)
        await job.run()
        assert await job.flagged() == set(range(1, 11))
        assert len(api.orders) == 10


@beside_or_elsewhere
async def test_s21_a_row_that_is_deleted_while_it_is_on_the_wire_is_imported_all_the_same(
    tmp_path: Path, database_url: str, ledger: str | None
) -> None:
    async with serving() as api, migration(tmp_path, api, database_url, ledger=ledger) as job:

        async def answer(asked: Asked) -> Reply:
            if asked.order == 3:
                await job.change("DELETE FROM items WHERE id = 3")
            return asked.accepted

        api.script = answer
        report = await job.run()
        assert (report.ended, report.counts.imported, report.counts.pending) == (Ended.DONE, 10, 0)
        assert await job.flagged() == set(range(1, 11)) - {3}
        assert await job.ask_ledger("SELECT COUNT(*) FROM penstock_ranges WHERE flags_due = 1") == [(0,)]
        await job.check_counters()

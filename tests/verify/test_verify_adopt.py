"""`verify --adopt`: a ledger is filled from what the new store already holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.api import accept
from tests.verify.stage import VERIFY, Stage, staged

from penstock.errors import JobError
from penstock.ledger.states import RowState
from penstock.verify.adopt import Adopted
from penstock.wiring import adopt_job
from penstock.wiring.people import reset_job

_RECEIPT = VERIFY + "  receipt: external_id\n"


async def _lost_ledger(stage: Stage) -> None:
    """Rows 1 to 9 arrived; then the ledger was lost, and row 10 came."""
    await stage.run()
    await reset_job(stage.job, renew_keys=False)
    await stage.add([10])
    stage.api.asked.clear()


async def test_what_the_store_has_is_imported_and_never_sent(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url, rows=9) as stage:
        stage.write(_RECEIPT)
        await _lost_ledger(stage)
        assert await adopt_job(stage.job) == Adopted(rows=10, adopted=9)
        rows = await stage.rows()
        assert {(row.state, row.receipt) for row in rows.values()} == {
            (RowState.IMPORTED, str(n)) for n in range(1, 10)
        }
        assert await stage.ask("SELECT COUNT(*) FROM orders WHERE is_import = 1") == [(9,)]
        summary = await stage.run()
        assert stage.api.orders == [10]
        assert (summary.counts.imported, summary.counts.pending) == (10, 0)
        assert await stage.verify() == []


async def test_adopting_again_finds_nothing_more(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url, rows=9) as stage:
        await _lost_ledger(stage)
        await adopt_job(stage.job)
        assert await adopt_job(stage.job) == Adopted(0, 0)


async def test_rows_that_differ_are_adopted_and_named(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=9) as stage:
        await _lost_ledger(stage)
        await stage.change("UPDATE new_orders SET note = 'other' WHERE external_id = '3'")
        await adopt_job(stage.job)
        assert [(one.kind, one.key) for one in await stage.verify()] == [("differing", "3"), ("missing", "10")]


async def test_a_job_without_verify_has_nothing_to_adopt_from(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url) as stage:
        stage.write("")
        with pytest.raises(JobError, match="add verify:"):
            await adopt_job(stage.job)


async def test_adopting_works_with_more_rows_than_a_span_holds(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=2500) as stage:
        stage.api.script = accept
        await stage.change(
            "INSERT INTO new_orders SELECT id, total, weight, datetime(placed, '-8 hours'), day, note FROM orders "
            "WHERE id % 2 = 0"
        )
        assert await adopt_job(stage.job) == Adopted(rows=2500, adopted=1250)
        counts = await stage.counts()
        assert (counts.imported, counts.pending) == (1250, 1250)
        found = await stage.verify()
        assert {one.kind for one in found} == {"missing"}
        assert len(found) == 1250

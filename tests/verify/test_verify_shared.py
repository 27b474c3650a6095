"""What one record proves, and when adopting is refused because it would overlook rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.verify.stage import staged
from tests.verify.test_verify_attacks import BY_RECEIPT_ALONE, _run_by_receipt

from penstock.engine.report import RunOptions
from penstock.engine.stop import Stop
from penstock.errors import LedgerRefused
from penstock.rows import Record
from penstock.source.records import SqlRecords
from penstock.wiring import adopt_job, reset_job, run_job

_STORED = "SELECT id, total, weight, datetime(placed, '-8 hours'), day, note FROM orders"


async def test_one_record_is_no_proof_of_two_rows(tmp_path: Path, sqlite_url: str) -> None:
    """An API that takes the second row for the first answers with the first one's id."""
    async with staged(tmp_path, sqlite_url, rows=5) as stage:
        await _run_by_receipt(stage)
        stage.write(BY_RECEIPT_ALONE)
        await stage.change(
            "DELETE FROM new_orders WHERE external_id = 'N-3'",
            "UPDATE penstock_rows SET receipt = 'N-2' WHERE row_key = '3'",
        )
        assert await stage.verify() != []


async def test_adopting_is_refused_where_rows_may_lie_behind_the_cursor(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=1) as stage:
        await stage.add([4, 6])
        await stage.run()
        await stage.add([3])
        await stage.change(f"INSERT INTO new_orders {_STORED} WHERE id = 3")
        with pytest.raises(LedgerRefused, match="has been run"):
            await adopt_job(stage.job)
        await reset_job(stage.job, renew_keys=False)
        await adopt_job(stage.job)
        stage.api.asked.clear()
        await stage.run()
        assert stage.api.orders == []


async def test_adopting_is_refused_where_a_run_has_planned_rows(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=20) as stage:
        await run_job(stage.job, RunOptions(limit=3), Stop())
        await stage.change(f"INSERT INTO new_orders {_STORED} WHERE id > 10")
        with pytest.raises(LedgerRefused, match="has been run"):
            await adopt_job(stage.job)


async def test_a_run_does_not_send_what_is_being_adopted(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, sqlite_url, rows=2001) as stage:
        await stage.change(f"INSERT INTO new_orders {_STORED}")
        look_up = SqlRecords.look_up
        waiting = [None]

        async def and_then(store: SqlRecords, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
            found = await look_up(store, keys)
            if waiting:
                waiting.pop()
                with pytest.raises(LedgerRefused):
                    await run_job(stage.job, RunOptions(limit=5), Stop())
            return found

        monkeypatch.setattr(SqlRecords, "look_up", and_then)
        await adopt_job(stage.job)
        assert stage.api.orders == []

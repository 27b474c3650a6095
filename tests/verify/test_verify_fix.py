"""What `verify --fix` mends, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.engine.api import Reply, always
from tests.verify.stage import Stage, staged

from penstock.errors import JobError
from penstock.events import EventKind
from penstock.ledger.states import RowState
from penstock.verify.repair import Repaired
from penstock.wiring import open_read_model

refuse = always(Reply(422, b'{"reason": "no"}'))


async def _flagged(stage: Stage) -> set[int]:
    return {int(str(key)) for (key,) in await stage.ask("SELECT id FROM orders WHERE is_import = 1")}


async def test_rows_that_did_not_arrive_go_back_to_pending_and_arrive(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url, rows=6) as stage:
        await stage.run()
        await stage.change("DELETE FROM new_orders WHERE external_id IN ('2', '5')")
        assert await stage.fix() == Repaired(reopened=2, flagged=0, locked=0)
        rows = await stage.rows()
        assert {key for key, row in rows.items() if row.state is RowState.PENDING} == {"2", "5"}
        assert rows["2"].receipt is None
        assert await _flagged(stage) == {1, 3, 4, 6}
        counts = await stage.counts()
        assert (counts.imported, counts.pending) == (4, 2)
        summary = await stage.run()
        assert summary.counts.imported == 6
        assert await stage.verify() == []
        assert await _flagged(stage) == {1, 2, 3, 4, 5, 6}
        async with open_read_model(stage.job) as model:
            told = [event.detail for event in await model.events(key="5") if event.kind is EventKind.REOPENED]
        assert len(told) == 1
        assert "the new store does not have it" in told[0]


async def test_flags_that_were_reset_are_set_again(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url, rows=6) as stage:
        await stage.run()
        await stage.change("UPDATE orders SET is_import = 0 WHERE id > 3")
        assert await stage.fix() == Repaired(reopened=0, flagged=3, locked=0)
        assert await stage.verify() == []


async def test_what_fix_cannot_mend_stays_as_it_is(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=6) as stage:
        stage.api.script = lambda asked: refuse(asked) if asked.order == 1 else stage.store(asked)
        await stage.run()
        await stage.change("UPDATE new_orders SET total = 1 WHERE external_id = '4'")
        before = await stage.ask("SELECT * FROM new_orders")
        found = await stage.verify()
        assert await stage.fix() == Repaired(0, 0, 0)
        assert await stage.verify() == found
        assert await stage.ask("SELECT * FROM new_orders") == before


async def test_a_store_that_lacks_most_rows_is_taken_for_the_wrong_one(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=120) as stage:
        await stage.run()
        await stage.change("DELETE FROM new_orders")
        with pytest.raises(JobError, match=r"120 of 120 imported rows are missing .* --yes"):
            await stage.fix()
        assert (await stage.counts()).imported == 120
        assert (await stage.fix(is_sure=True)).reopened == 120


async def test_an_api_that_remembers_is_given_new_keys(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=2) as stage:
        await stage.run()
        await stage.change("DELETE FROM new_orders WHERE external_id = '2'")
        await stage.fix()
        await stage.run()
        await stage.change("DELETE FROM new_orders WHERE external_id = '2'")
        await stage.fix(renew_keys=True)
        await stage.run()
        first, second, third = [asked.idempotency_key for asked in stage.api.of(2)]
        assert first == second
        assert third != first

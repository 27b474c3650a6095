"""Faults of rows that change while they are moved, by their ids (docs/reference/data-faults.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.moving import moving
from tests.engine.api import Asked, Reply, Script, for_orders
from tests.source.worlds import World

from penstock.engine import planner, reader
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState
from penstock.rows import Row
from penstock.source.fingerprint import fingerprint
from penstock.wiring import open_people_desk

QUERY = "SELECT n, n AS id, v FROM t"


@pytest.fixture(autouse=True)
def short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the last rows are read long after the first ones were sent."""
    monkeypatch.setattr(planner, "SPAN", 3)
    monkeypatch.setattr(reader, "PAGE", 2)


async def store(world: World, rows: int) -> None:
    values = ", ".join(f"({n}, 'old')" for n in range(1, rows + 1))
    await world.run("CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY, v VARCHAR(9))", f"INSERT INTO t VALUES {values}")


def changing(world: World, *statements: str, at: int) -> Script:
    """The API accepts every row; while it has row `at`, somebody else changes the table."""

    async def answer(asked: Asked) -> Reply:
        if asked.order == at:
            await world.run(*statements)
        return asked.accepted

    return answer


async def test_d24_a_row_updated_after_it_went_out_is_imported_and_its_change_can_be_told(
    tmp_path: Path, either: World
) -> None:
    await store(either, 3)
    script = changing(either, "UPDATE t SET v = 'new' WHERE n = 1", at=1)
    async with moving(tmp_path, either, QUERY, "n", script=script) as move:
        await move.check_that_each_row_arrived_once()
        assert (await move.rows())["1"].fingerprint == fingerprint(Row("1", (1, 1, "old")))


async def test_d25_a_row_deleted_before_it_is_read_is_not_missed(tmp_path: Path, either: World) -> None:
    await store(either, 30)
    script = changing(either, "DELETE FROM t WHERE n = 30", at=1)
    async with moving(tmp_path, either, QUERY, "n", script=script, concurrency=1) as move:
        await move.check_that_each_row_arrived_once()
        assert 30 not in move.api.applied


async def test_d25_a_row_deleted_while_it_waits_is_skipped_with_the_reason(tmp_path: Path, either: World) -> None:
    await store(either, 4)
    async with moving(tmp_path, either, QUERY, "n", script=for_orders({4: Reply(422)})) as move:
        assert (await move.run()).counts.failed == 1
        async with open_people_desk(move.job) as desk:
            await desk.retry(Selection(frozenset({RowState.FAILED})), renew_keys=False)
        await either.run("DELETE FROM t WHERE n = 4")
        summary = await move.run()
        assert (summary.counts.imported, summary.counts.skipped, summary.counts.pending) == (3, 1, 0)
        assert (await move.rows())["4"].reason == "gone from the query"
        assert move.api.orders.count(4) == 1


async def test_d26_a_row_whose_key_changes_before_it_is_read_arrives_under_its_new_key(
    tmp_path: Path, either: World
) -> None:
    await store(either, 30)
    # 30 has not been read yet; 0 lies below the cursor.
    script = changing(either, "UPDATE t SET n = 0 WHERE n = 30", at=1)
    async with moving(tmp_path, either, QUERY, "n", script=script, concurrency=1) as move:
        await move.check_that_each_row_arrived_once()
        assert set(move.api.applied) == set(range(30))


async def test_d26_a_row_whose_key_changes_after_it_arrived_is_another_row(tmp_path: Path, either: World) -> None:
    await store(either, 3)
    async with moving(tmp_path, either, QUERY, "n") as move:
        await move.run()
        await either.run("UPDATE t SET n = 30, is_import = 0 WHERE n = 3")
        await move.run()
        assert move.api.applied == {1: 1, 2: 1, 3: 1, 30: 1}
        assert {key: row.state for key, row in (await move.rows()).items()} == dict.fromkeys(
            ["1", "2", "3", "30"], RowState.IMPORTED
        )


async def test_d27_a_flag_taken_back_by_the_old_application_sends_nothing_again(tmp_path: Path, either: World) -> None:
    await store(either, 5)
    async with moving(tmp_path, either, QUERY, "n") as move:
        await move.check_that_each_row_arrived_once()
        await either.run("UPDATE t SET is_import = 0 WHERE n IN (2, 4)")
        summary = await move.run()
        assert (summary.counts.imported, len(move.api.asked)) == (5, 5)


async def test_d28_a_flag_set_by_an_older_tool_means_that_the_row_is_there(tmp_path: Path, either: World) -> None:
    await store(either, 5)
    async with moving(tmp_path, either, QUERY, "n") as move:
        await either.run("UPDATE t SET is_import = 1 WHERE n IN (2, 4)")
        summary = await move.run()
        assert (summary.counts.imported, summary.counts.skipped) == (3, 2)
        rows = await move.rows()
        assert {rows[key].reason for key in ("2", "4")} == {"flag set before"}
        assert move.api.applied == {1: 1, 3: 1, 5: 1}
        assert await move.flagged() == {1, 2, 3, 4, 5}

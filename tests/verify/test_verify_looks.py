"""Source and store are not read at one moment, and either may be written meanwhile: what looks wrong is looked at twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.verify.stage import VERIFY, staged

from penstock.rows import Record
from penstock.source.records import SqlRecords
from penstock.verify.findings import FindingKind
from penstock.verify.reconcile import Scope

OTHER_KEY = VERIFY.replace("  key: external_id", '  key: external_id\n  source_key: "{{{{ receipt }}}}"')
_COLUMNS = "external_id, total, weight, placed, day, note"


def _after_the_first_look_up(monkeypatch: pytest.MonkeyPatch, do: Callable[[], Awaitable[object]]) -> None:
    """What others do to the databases between the first look at them and the second."""
    look_up = SqlRecords.look_up
    waiting = [do]

    async def and_then(store: SqlRecords, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        found = await look_up(store, keys)
        if waiting:
            await waiting.pop()()
        return found

    monkeypatch.setattr(SqlRecords, "look_up", and_then)


async def test_a_record_that_arrives_meanwhile_is_not_missing(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, sqlite_url) as stage:
        await stage.run()
        await stage.change("CREATE TABLE late AS SELECT * FROM new_orders WHERE external_id = '7'")
        await stage.change("DELETE FROM new_orders WHERE external_id = '7'")
        _after_the_first_look_up(monkeypatch, lambda: stage.change("INSERT INTO new_orders SELECT * FROM late"))
        assert await stage.verify() == []


async def test_a_row_deleted_from_the_source_meanwhile_is_gone_and_not_missing(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, sqlite_url) as stage:
        await stage.run()
        await stage.change("DELETE FROM new_orders WHERE external_id = '7'")
        _after_the_first_look_up(monkeypatch, lambda: stage.change("DELETE FROM orders WHERE id = 7"))
        # Nothing was wrong with the ledger when the source was walked, so that nobody goes through it for what is gone.
        assert await stage.verify() == []
        assert [(one.kind, one.key) for one in await stage.verify()] == [(FindingKind.GONE, "7")]


@pytest.mark.parametrize("verify", [VERIFY, OTHER_KEY], ids=["own key", "other key"])
async def test_a_row_that_comes_with_its_record_meanwhile_is_not_extra(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, verify: str
) -> None:
    async with staged(tmp_path, sqlite_url) as stage:
        await stage.run()
        if verify == OTHER_KEY:
            stage.write(OTHER_KEY)
            await stage.change("UPDATE new_orders SET external_id = 'N-' || external_id")

        async def come() -> None:
            await stage.add([99])
            await stage.run()
            if verify == OTHER_KEY:
                await stage.change("UPDATE new_orders SET external_id = 'N-99' WHERE external_id = '99'")

        _after_the_first_look_up(monkeypatch, come)
        assert await stage.verify() == []
        assert len(await stage.ask("SELECT 1 FROM new_orders")) == 21


async def test_the_receipt_may_be_what_the_store_calls_a_row(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url, rows=5) as stage:
        await stage.run()
        stage.write(OTHER_KEY)
        prefixed = "CONCAT('N-', external_id)" if stage.database.kind == "mysql" else "'N-' || external_id"
        await stage.change(f"UPDATE new_orders SET external_id = {prefixed}")
        assert await stage.verify() == []
        await stage.change(
            "UPDATE new_orders SET external_id = 'N-77' WHERE external_id = 'N-3'",
            "UPDATE new_orders SET total = 1 WHERE external_id = 'N-4'",
        )
        found = [(one.kind, one.key, one.store_key) for one in await stage.verify()]
        assert found == [
            (FindingKind.MISSING, "3", None),
            (FindingKind.DIFFERING, "4", None),
            (FindingKind.EXTRA, None, ("N-77",)),
        ]


async def test_a_sample_looks_at_a_part_and_never_calls_the_rest_extra(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=400) as stage:
        found = await stage.verify(Scope(share=0.5))
        assert {one.kind for one in found} == {FindingKind.MISSING}
        assert 120 < len(found) < 280


async def test_only_rows_settled_since_are_looked_at(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=4) as stage:
        await stage.run()
        await stage.change("UPDATE penstock_rows SET updated_at = '2020-01-01 00:00:00' WHERE row_key <> '2'")
        await stage.change("DELETE FROM new_orders")
        found = await stage.verify(Scope(since=datetime.now(UTC) - timedelta(hours=1)))
        assert [(one.kind, one.key) for one in found] == [(FindingKind.MISSING, "2")]


async def test_more_rows_than_a_page_are_walked_from_either_side(tmp_path: Path, database_url: str) -> None:
    shift = {
        "sqlite": "datetime(placed, '-8 hours')",
        "mysql": "placed - INTERVAL 8 HOUR",
        "postgresql": "placed - INTERVAL '8 hours'",
    }
    async with staged(tmp_path, database_url, rows=2300) as stage:
        await stage.change(
            f"INSERT INTO new_orders ({_COLUMNS}) SELECT id, total, weight, {shift[stage.database.kind]}, day, note FROM orders"
        )
        await stage.change("INSERT INTO new_orders (external_id) VALUES ('0'), ('9999'), ('abc'), ('00017')")
        found = await stage.verify()
        arrived = [one for one in found if one.kind is FindingKind.ARRIVED]
        assert len(arrived) == 2300
        assert {one.store_key for one in found if one not in arrived} == {("0",), ("9999",), ("abc",), ("00017",)}

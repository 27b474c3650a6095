"""`verify` against a new store that speaks SQL, on every kind of database."""

from __future__ import annotations

from pathlib import Path

from tests.verify.stage import staged

from penstock.verify.findings import FindingKind


async def test_nothing_is_wrong_where_nothing_is(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url) as stage:
        await stage.run()
        assert await stage.verify() == []


async def test_rows_that_nobody_sent_are_missing(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url, rows=3) as stage:
        found = await stage.verify()
        assert [(one.kind, one.key, one.state) for one in found] == [
            (FindingKind.MISSING, str(n), "pending") for n in (1, 2, 3)
        ]


async def test_a_flag_that_the_query_shows_makes_no_row_another(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url) as stage:
        job = stage.folder / "job.yaml"
        job.write_text(job.read_text().replace("note FROM orders", "note, is_import FROM orders"))
        await stage.run()
        assert await stage.verify() == []
        await stage.change("UPDATE orders SET note = 'other' WHERE id = 7")
        assert [(one.kind, one.key) for one in await stage.verify()] == [
            (FindingKind.CHANGED, "7"),
            (FindingKind.DIFFERING, "7"),
        ]

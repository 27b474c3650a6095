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

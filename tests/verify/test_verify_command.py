"""`penstock verify` as people and scripts meet it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.verify.stage import VERIFY, Stage, staged

from penstock.cli.main import main
from penstock.insights.check import Grade
from penstock.wiring import check_job, reset_job


async def _call(stage: Stage, *words: str) -> int:
    """The command, past the loop of this test."""
    return await asyncio.to_thread(main, ["verify", str(stage.folder / "job.yaml"), *words])


async def test_a_clean_store_is_told_in_words_and_exits_with_0(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path, sqlite_url) as stage:
        await stage.run()
        assert await _call(stage) == 0
        told = capfd.readouterr()
        assert told.out == ""
        assert "orders: 20 rows of the source, 20 records of the new store in" in told.err
        assert "orders: nothing is wrong: source, ledger, flags and new store agree" in told.err


async def test_a_long_verification_that_finds_nothing_tells_how_far_it_is(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.cli.verify.SECONDS_BETWEEN_LINES", 0.001)
    async with staged(tmp_path, sqlite_url) as stage:
        await stage.run()
        assert await _call(stage) == 0
        assert "records looked at, 0 findings" in capfd.readouterr().err


async def test_each_finding_is_a_line_of_json_and_the_code_is_1(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.wiring.verifying.SECOND_LOOK_AFTER", 0.0)
    async with staged(tmp_path, sqlite_url) as stage:
        await stage.run()
        await stage.change(
            "UPDATE new_orders SET total = 1.5 WHERE external_id = '3'",
            "DELETE FROM new_orders WHERE external_id = '4'",
            "INSERT INTO new_orders (external_id) VALUES ('=cmd()')",
        )
        assert await _call(stage, "--json") == 1
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        assert lines == [
            {
                "kind": "differing",
                "key": 3,
                "state": "imported",
                "field": "total",
                "expected": "0.21",
                "found": "1.5000",
                "detail": "total differs",
            },
            {
                "kind": "missing",
                "key": 4,
                "state": "imported",
                "detail": "imported by the ledger, and the store does not have it",
            },
            {
                "kind": "extra",
                "key": None,
                "store_key": "=cmd()",
                "copies": 1,
                "detail": "the store has it, and no row of the source explains it",
            },
        ]


async def test_people_are_told_what_to_type(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.wiring.verifying.SECOND_LOOK_AFTER", 0.0)
    async with staged(tmp_path, sqlite_url) as stage:
        await stage.run()
        await stage.change(
            "DELETE FROM new_orders WHERE external_id = '4'", "UPDATE orders SET is_import = 0 WHERE id = 5"
        )
        assert await _call(stage) == 1
        told = capfd.readouterr().err
        assert "missing  4  imported by the ledger, and the store does not have it" in told
        assert "1  missing (imported): if the API really lost them: penstock verify" in told
        assert await _call(stage, "--fix") == 1
        told = capfd.readouterr().err
        assert "orders: 1 row back to pending; penstock run" in told
        assert "orders: 1 flag set" in told


async def test_without_a_store_the_other_three_are_compared(
    tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with staged(tmp_path, sqlite_url) as stage:
        stage.write("")
        await stage.run()
        assert await _call(stage) == 0
        assert "nothing is wrong: source, ledger and flags agree" in capfd.readouterr().err


async def test_adopting_tells_how_many(tmp_path: Path, sqlite_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    async with staged(tmp_path, sqlite_url) as stage:
        await stage.run()
        assert await _call(stage, "--adopt") == 2
        assert "--adopt fills a ledger that no run has touched" in capfd.readouterr().err
        await reset_job(stage.job, renew_keys=False)
        await stage.add([21])
        assert await _call(stage, "--adopt") == 1
        assert "orders: 20 rows adopted, 1 not in the new store: penstock run" in capfd.readouterr().err
        assert await _call(stage, "--adopt") == 1
        assert "orders: nothing to adopt: the ledger has looked at every row already" in capfd.readouterr().err


async def test_check_looks_at_the_store_too(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url) as stage:
        report = await check_job(stage.job, file="job.yaml", deep=False)
        [finding] = [finding for finding in report.findings if finding.subject == "verify"]
        assert finding.grade is Grade.OK
        assert finding.text.endswith("looked up by external_id")
        stage.write(VERIFY.replace("FROM new_orders", "FROM nowhere"))
        report = await check_job(stage.job, file="job.yaml", deep=False)
        [finding] = [finding for finding in report.findings if finding.subject == "verify"]
        assert finding.grade is Grade.WARNING
        assert "nowhere" in finding.text

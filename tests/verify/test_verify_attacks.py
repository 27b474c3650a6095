"""What would make `verify` believe wrongly, and `--fix` or `--adopt` send what is there already."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.verify.stage import VERIFY, Stage, staged

from penstock.cli.main import main
from penstock.errors import JobError
from penstock.verify.equality import Comparison, Likeness
from penstock.verify.findings import Finding, FindingKind
from penstock.verify.reconcile import Scope
from penstock.verify.repair import Repaired
from penstock.verify.telling import finding_document
from penstock.wiring import adopt_job, open_verification
from penstock.wiring.people import reset_job

BY_RECEIPT = VERIFY.replace("  key: external_id", '  key: external_id\n  source_key: "{{{{ receipt }}}}"')
BY_RECEIPT_ALONE = BY_RECEIPT.partition("  timezone")[0]


async def _run_by_receipt(stage: Stage) -> None:
    await stage.run()
    stage.write(BY_RECEIPT)
    await stage.change("UPDATE new_orders SET external_id = 'N-' || external_id")


async def test_an_imported_row_without_its_receipt_is_not_called_missing_and_not_sent_again(
    tmp_path: Path, sqlite_url: str
) -> None:
    async with staged(tmp_path, sqlite_url, rows=5) as stage:
        await _run_by_receipt(stage)
        # resolve --as imported without --receipt leaves it so.
        await stage.change("UPDATE penstock_rows SET receipt = NULL WHERE row_key = '3'")
        found = await stage.verify()
        assert (FindingKind.INCOMPARABLE, "3") in [(one.kind, one.key) for one in found]
        assert FindingKind.MISSING not in [one.kind for one in found]
        assert await stage.fix() == Repaired(0, 0, 0)


async def test_rows_that_only_a_receipt_names_cannot_be_adopted(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=5) as stage:
        await _run_by_receipt(stage)
        await reset_job(stage.job, renew_keys=False)
        with pytest.raises(JobError, match="receipt"):
            await adopt_job(stage.job)
        assert await stage.ask("SELECT 1 FROM penstock_ranges") == []


async def test_fix_leaves_rows_alone_that_have_arrived_since_they_were_found(tmp_path: Path, database_url: str) -> None:
    async with staged(tmp_path, database_url, rows=6) as stage:
        await stage.run()
        await stage.change(
            "CREATE TABLE late AS SELECT * FROM new_orders WHERE external_id = '5'",
            "DELETE FROM new_orders WHERE external_id IN ('3', '5')",
        )
        async with open_verification(stage.job, second_look_after=0.0) as verification:
            async with aclosing(verification.findings(Scope())) as found:
                assert [finding.key async for finding in found] == ["3", "5"]
            await stage.change("INSERT INTO new_orders SELECT * FROM late")
            assert await verification.fix(is_sure=False) == Repaired(reopened=1, flagged=0, locked=0)
        assert await stage.ask("SELECT id FROM orders WHERE is_import = 0") == [(3,)]


@pytest.mark.parametrize(
    ("expected", "found"),
    [("01234", 1234), ("+49123", 49123), ("12e5", 1200000), ("12E5", 1200000.0), ("1.", Decimal(1))],
)
def test_a_text_that_became_a_number_has_lost_something(expected: object, found: object) -> None:
    assert Comparison()(expected, found) is Likeness.DIFFERENT
    assert Comparison()(found, expected) is Likeness.DIFFERENT


@pytest.mark.parametrize(("one", "other"), [("1e-07", 1e-07), ("1.5e300", 1.5e300), (Decimal("NaN"), float("nan"))])
def test_numbers_are_still_told_in_their_own_texts(one: object, other: object) -> None:
    assert Comparison()(one, other) is Likeness.SAME


def test_a_moment_whose_zone_nobody_has_said_is_not_the_same() -> None:
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert Comparison()(noon, "2024-01-01T12:00:00") is Likeness.INCOMPARABLE


def test_no_value_of_a_store_is_a_fault() -> None:
    deep: object = 1
    for _ in range(500):
        deep = [deep]
    assert Comparison()(deep, deep) is Likeness.INCOMPARABLE
    assert Comparison()(Decimal(1), Decimal("sNaN")) is Likeness.DIFFERENT
    half = Finding(FindingKind.DIFFERING, "1", "note differs", field="note", expected="\ud800", found=None)
    assert finding_document(half)["expected"] == "\\ud800"


def test_a_moment_beyond_the_calendar_is_no_fault(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "job.yaml").write_text("")
    assert main(["verify", str(tmp_path / "job.yaml"), "--since", "9999-12-31T23:59-05:00"]) == 2
    assert "a fault in penstock" not in capfd.readouterr().err


async def test_a_key_that_is_no_text_of_any_database_is_named(tmp_path: Path, sqlite_url: str) -> None:
    async with staged(tmp_path, sqlite_url, rows=2) as stage:
        await stage.run()
        stage.write(BY_RECEIPT_ALONE.replace("{{{{ receipt }}}}", "{{{{ note | from_json }}}}"))
        await stage.change("""UPDATE orders SET note = '"\\ud800"'""")
        found = await stage.verify()
        assert [one.key for one in found if one.kind is FindingKind.INCOMPARABLE] == ["1", "2"]

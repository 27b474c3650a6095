"""Which end of a command has which exit code."""

import itertools

import pytest

from penstock.cli.endings import after_check, after_run
from penstock.cli.exits import ExitCode, after_error, worst
from penstock.engine.report import Summary, Tally
from penstock.engine.stop import Ended
from penstock.errors import JobError, LedgerMissing, LedgerUnreachable, PenstockError, SourceUnreachable
from penstock.insights.check import CheckReport, Finding, Grade, Sample
from penstock.ledger.rows import Counts


def report(ended: Ended, *, failed: int = 0, in_doubt: int = 0) -> Summary:
    counts = Counts(
        imported=5, failed=failed, in_doubt=in_doubt, skipped=1, pending=0, claimed=0, pending_exact=True, ahead=0
    )
    return Summary("orders", ended, "", counts, (), Tally(), 1.0)


def checked(*grades: Grade, error: str = "") -> CheckReport:
    return CheckReport("orders", tuple(Finding("source", grade, "") for grade in grades), (Sample("1", error=error),))


def test_of_several_jobs_the_first_of_2_3_1_0_counts() -> None:
    for codes in itertools.product(ExitCode, repeat=3):
        expected = next(code for code in (2, 3, 1, 0) if code in codes)
        assert worst(codes) == expected
    assert worst([]) == ExitCode.WELL


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (JobError("x"), 2),
        (LedgerMissing("x"), 2),
        (SourceUnreachable("x"), 3),
        (LedgerUnreachable("x"), 3),
        (PenstockError("x"), 2),
    ],
)
def test_an_error_says_whether_a_person_or_time_is_needed(error: PenstockError, code: int) -> None:
    assert after_error(error) == code


@pytest.mark.parametrize("ended", [Ended.DONE, Ended.LIMIT])
def test_a_run_that_did_its_work_has_findings_or_none(ended: Ended) -> None:
    assert after_run(report(ended)) == 0
    assert after_run(report(ended, failed=1)) == 1
    assert after_run(report(ended, in_doubt=1)) == 1


@pytest.mark.parametrize("ended", [Ended.STOPPED, Ended.STOP_AT, Ended.GAVE_UP, Ended.FAILED])
def test_a_run_that_stopped_early_may_go_on_later(ended: Ended) -> None:
    assert after_run(report(ended, failed=1)) == 3


def test_a_check_says_what_comes_first() -> None:
    assert after_check(checked(Grade.OK, Grade.WARNING)) == 0
    assert after_check(checked(Grade.OK, error="column born: zero date")) == 1
    assert after_check(checked(Grade.UNREACHABLE, error="column born: zero date")) == 3
    assert after_check(checked(Grade.UNREACHABLE, Grade.PROBLEM)) == 2

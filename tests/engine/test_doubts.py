"""What follows from what the API says of a row in doubt, line by line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from penstock.engine.doubts import Terms, after_probe
from penstock.ledger.rows import Asked, Doubt, LedgerRow, Settlement
from penstock.ledger.states import RowState
from penstock.target.verdicts import Absent, Found, ProbeVerdict, StillInDoubt

TERMS = Terms(after=630.0, attempts=3)
SENT, CHANGED = 77, 78
FOUND, ABSENT = Found(200, "N-1"), Absent(404)


def row(*, attempts: int = 1, fingerprint: int | None = SENT) -> LedgerRow:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    return LedgerRow("1", 7, 2, RowState.IN_DOUBT, attempts, 500, "answered 500", None, "oops", fingerprint, 1.5, at)


def after(verdict: ProbeVerdict, seen: LedgerRow, *, age: float = 630.0, fingerprint: int = SENT) -> Asked:
    return after_probe(verdict, Doubt(seen, age), fingerprint, TERMS)


@pytest.mark.parametrize(
    ("seen", "age", "fingerprint"),
    [(row(), 0.0, SENT), (row(), 1e9, CHANGED), (row(fingerprint=None), 0.0, SENT), (row(attempts=99), 0.0, SENT)],
)
def test_found_is_imported_whatever_else_there_is(seen: LedgerRow, age: float, fingerprint: int) -> None:
    asked = after(FOUND, seen, age=age, fingerprint=fingerprint)
    assert asked.seen == seen
    assert asked.settlement == Settlement(
        "1", RowState.IMPORTED, seen.attempts, 200, None, "N-1", None, seen.fingerprint, 1.5
    )


def test_absent_late_enough_waits_and_what_was_sent_before_counts_no_more() -> None:
    asked = after(ABSENT, row())
    reason = "not there when asked; before that: answered 500"
    assert asked.settlement == Settlement("1", RowState.PENDING, 1, 500, reason)
    assert asked.detail == (
        "in_doubt → pending: it has not arrived (answered 404, asked 630 s after it fell into doubt)"
    )


@pytest.mark.parametrize(
    ("seen", "age", "fingerprint", "why"),
    [
        (row(), 629.9, SENT, "which counts 630 s after it fell into doubt"),
        (row(), 1e9, CHANGED, "but the row has changed since it was sent"),
        (row(fingerprint=None), 1e9, SENT, "but nobody knows what exactly was sent"),
        (row(attempts=3), 629.9, SENT, "which counts 630 s after it fell into doubt"),
    ],
    ids=["too early", "changed", "unknown", "too early to give up"],
)
def test_absent_otherwise_leaves_it_in_doubt(seen: LedgerRow, age: float, fingerprint: int, why: str) -> None:
    asked = after(ABSENT, seen, age=age, fingerprint=fingerprint)
    assert asked == Asked(seen, Settlement("1", RowState.IN_DOUBT), f"still in doubt: not there (answered 404), {why}")


def test_absent_after_the_last_attempt_fails() -> None:
    asked = after(ABSENT, row(attempts=3))
    reason = "answered 500; not there when asked; attempts used up"
    assert asked.settlement == Settlement("1", RowState.FAILED, 3, 500, reason, None, "oops")


def test_nothing_to_rely_on_leaves_it_in_doubt_and_says_why() -> None:
    asked = after(StillInDoubt("answered 500", 500, "oops"), row())
    assert asked == Asked(row(), Settlement("1", RowState.IN_DOUBT), "still in doubt: answered 500", "oops")

"""What follows from what: the ledger's pure decisions, and the texts it stores."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from penstock.ledger.aftermath import MAY_HAVE_BEEN_SENT, aftermath
from penstock.ledger.late import Step, late_step
from penstock.ledger.ranges import Lease, RangeKind, WindowKey
from penstock.ledger.rows import LedgerRow, Settlement
from penstock.ledger.states import EDGES, RowState, is_legal, states_after
from penstock.ledger.text import fit

IMPORTED, FAILED, IN_DOUBT = RowState.IMPORTED, RowState.FAILED, RowState.IN_DOUBT
SKIPPED, PENDING = RowState.SKIPPED, RowState.PENDING

LEASE = Lease(7, RangeKind.SPAN, "alice", fence=2, batch=0)


def row(state: RowState, *, range_no: int = 7, fence: int = 2, attempts: int = 0) -> LedgerRow:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    return LedgerRow("1", range_no, fence, state, attempts, None, None, None, None, None, None, now)


def test_a_recalled_answer_decides_and_the_rest_is_in_doubt() -> None:
    answer = Settlement("1", IMPORTED, 1, 201)

    assert aftermath({"1": WindowKey("1"), "2": WindowKey("2", fingerprint=77)}, {}, [answer], is_idempotent=False) == [
        answer,
        Settlement("2", IN_DOUBT, 1, reason=MAY_HAVE_BEEN_SENT, fingerprint=77),
    ]


def test_what_is_final_is_neither_recalled_nor_in_doubt() -> None:
    assert aftermath({"1": WindowKey("1")}, {"1": row(FAILED)}, [Settlement("1", IMPORTED)], is_idempotent=False) == []
    assert aftermath({"1": WindowKey("1")}, {"1": row(IMPORTED)}, [], is_idempotent=False) == []


def test_an_attempt_that_may_have_been_made_is_counted_only_where_the_row_ends() -> None:
    [in_doubt] = aftermath({"1": WindowKey("1", 5.5)}, {"1": row(PENDING, attempts=3)}, [], is_idempotent=False)
    [waiting] = aftermath({"1": WindowKey("1", 5.5)}, {"1": row(PENDING, attempts=3)}, [], is_idempotent=True)

    assert (in_doubt.state, in_doubt.attempts, in_doubt.first_sent) == (IN_DOUBT, 4, 5.5)
    assert (waiting.state, waiting.attempts, waiting.first_sent) == (PENDING, 3, 5.5)


@pytest.mark.parametrize(
    ("answer", "known", "may_be_out", "is_idempotent", "step"),
    [
        (IMPORTED, row(IN_DOUBT), False, False, Step.WRITE),
        (FAILED, row(IN_DOUBT), False, False, Step.WRITE),
        (IN_DOUBT, row(IN_DOUBT), False, False, Step.WRITE),
        (PENDING, row(IN_DOUBT), False, False, Step.WAIT),
        (SKIPPED, row(IN_DOUBT), False, False, Step.NOTHING),
        (IMPORTED, row(IN_DOUBT, fence=3), False, False, Step.ALARM),
        (IMPORTED, row(IN_DOUBT, range_no=8), False, False, Step.ALARM),
        (FAILED, row(IN_DOUBT, fence=3), False, False, Step.NOTHING),
        (IMPORTED, row(IMPORTED), False, False, Step.NOTHING),
        (IMPORTED, row(IMPORTED, range_no=8), False, False, Step.ALARM),
        (IMPORTED, row(IMPORTED, range_no=8), False, True, Step.NOTHING),
        (FAILED, row(IMPORTED, range_no=8), False, False, Step.NOTHING),
        (IMPORTED, row(FAILED), False, False, Step.ALARM),
        (IMPORTED, row(SKIPPED, range_no=8), False, False, Step.ALARM),
        (IMPORTED, row(PENDING, range_no=8), False, False, Step.WRITE),
        (IMPORTED, row(PENDING, range_no=8), True, False, Step.ALARM),
        (IMPORTED, row(PENDING), True, True, Step.WRITE),
        (FAILED, row(PENDING), False, False, Step.NOTHING),
        (IMPORTED, None, False, False, Step.NOTHING),
        (IMPORTED, None, False, True, Step.WRITE),
        (FAILED, None, False, True, Step.NOTHING),
    ],
)
def test_a_late_answer_changes_what_it_may(
    answer: RowState, known: LedgerRow | None, *, may_be_out: bool, is_idempotent: bool, step: Step
) -> None:
    settlement = Settlement("1", answer)

    assert late_step(settlement, LEASE, known, may_be_out=may_be_out, is_idempotent=is_idempotent) is step


@pytest.mark.parametrize("answer", list(RowState))
@pytest.mark.parametrize("before", list(RowState))
@pytest.mark.parametrize("is_idempotent", [True, False])
def test_a_late_answer_never_takes_an_illegal_edge(before: RowState, answer: RowState, *, is_idempotent: bool) -> None:
    step = late_step(Settlement("1", answer), LEASE, row(before), may_be_out=False, is_idempotent=is_idempotent)

    assert step in (Step.NOTHING, Step.ALARM) or answer is before or is_legal(before, answer)


def test_no_edge_leads_out_of_a_state_and_back_into_it() -> None:
    assert not any(before is after for before, after in EDGES)
    assert states_after(IN_DOUBT) == {IMPORTED, PENDING, FAILED}
    assert states_after(IMPORTED) == {PENDING}


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("as it is: é 😀", "as it is: é 😀"),
        ("two\nlines\t\x00", "two lines  "),
        ("half a pair \ud83d.", "half a pair  ."),
        ("x" * 30, "x" * 20),
    ],
)
def test_texts_are_made_fit_to_be_stored(text: str, stored: str) -> None:
    assert fit(text, 20) == stored

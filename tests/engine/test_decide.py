from dataclasses import dataclass

import pytest

from penstock.engine.decide import Policy, SendAgain, Step, decide
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState
from penstock.target.verdicts import Accepted, Blame, NotSent, Refused, Throttled, Unknown, Verdict

PLAIN = Policy(idempotent=False, idempotent_for=None, attempts=3)
IDEMPOTENT = Policy(idempotent=True, idempotent_for=None, attempts=3)
FOR_A_DAY = Policy(idempotent=True, idempotent_for=86400.0, attempts=3)


@dataclass
class Tried:
    """A row after an attempt, and when that was."""

    attempts: int
    age: float = 10.0
    holding: bool = False
    key: str = "7"
    sent_as: int | None = 4711


ROW = Tried(attempts=1)
LAST = Tried(attempts=2)
OLD = Tried(attempts=0, age=86400.0)
HOLDING = Tried(attempts=2, holding=True)


def after(verdict: Verdict, row: Tried, policy: Policy) -> Step:
    return decide(verdict, row, policy, age=row.age, holding=row.holding)


def state(step: Step) -> RowState:
    assert isinstance(step, Settlement)
    return step.state


def again(step: Step) -> SendAgain:
    assert isinstance(step, SendAgain)
    return step


@pytest.mark.parametrize("policy", [PLAIN, IDEMPOTENT, FOR_A_DAY])
def test_an_accepted_row_is_imported_with_its_receipt(policy: Policy) -> None:
    step = after(Accepted(201, "A-9"), ROW, policy)
    assert state(step) is RowState.IMPORTED
    assert isinstance(step, Settlement)
    assert (step.receipt, step.status, step.attempts) == ("A-9", 201, 2)


@pytest.mark.parametrize("policy", [PLAIN, IDEMPOTENT, FOR_A_DAY])
def test_a_refused_row_fails_at_once(policy: Policy) -> None:
    assert state(after(Refused(422, "refused with 422"), ROW, policy)) is RowState.FAILED


@pytest.mark.parametrize("policy", [PLAIN, IDEMPOTENT, FOR_A_DAY])
@pytest.mark.parametrize("row", [ROW, LAST, OLD])
@pytest.mark.parametrize(
    "verdict",
    [Refused(401, "answered 401", Blame.JOB), NotSent("connection refused"), Throttled(429, "answered 429", None)],
)
def test_what_is_not_the_rows_fault_charges_no_attempt_and_ends_no_row(
    verdict: Verdict, row: Tried, policy: Policy
) -> None:
    assert again(after(verdict, row, policy)).attempts == row.attempts


def test_retry_after_is_waited_for() -> None:
    assert again(after(Throttled(429, "answered 429", 7.0), ROW, PLAIN)).wait == 7.0


def test_what_was_not_sent_goes_as_soon_as_the_pace_allows() -> None:
    assert again(after(NotSent("connection refused"), ROW, PLAIN)).wait == 0.0


@pytest.mark.parametrize("policy", [PLAIN, IDEMPOTENT])
def test_an_answer_that_asks_to_try_again_charges_an_attempt_until_they_are_used_up(policy: Policy) -> None:
    verdict = Refused(200, "asked to try again", Blame.MOMENT)
    assert again(after(verdict, ROW, policy)).attempts == 2
    step = after(verdict, LAST, policy)
    assert state(step) is RowState.FAILED
    assert isinstance(step, Settlement)
    assert step.reason == "asked to try again; attempts used up"


@pytest.mark.parametrize("row", [ROW, LAST, OLD, HOLDING])
@pytest.mark.parametrize("blame", [Blame.MOMENT, Blame.JOB])
def test_a_row_that_may_have_been_applied_is_never_sent_again_unless_idempotent(row: Tried, blame: Blame) -> None:
    step = after(Unknown("no answer within 30 s", blame=blame), row, PLAIN)
    assert state(step) is RowState.IN_DOUBT


def test_an_idempotent_row_is_sent_again_until_its_attempts_are_used_up() -> None:
    unknown = Unknown("answered 500", 500)
    assert again(after(unknown, ROW, IDEMPOTENT)).attempts == 2
    assert state(after(unknown, LAST, IDEMPOTENT)) is RowState.FAILED


def test_in_a_hold_unknown_answers_charge_no_attempt() -> None:
    assert again(after(Unknown("answered 500", 500), HOLDING, IDEMPOTENT)).attempts == 2


def test_a_login_page_charges_no_attempt_of_an_idempotent_row() -> None:
    assert again(after(Unknown("text/html", 200, blame=Blame.JOB), LAST, IDEMPOTENT)).attempts == 2


def test_a_row_whose_idempotency_has_expired_is_in_doubt() -> None:
    unknown = Unknown("answered 500", 500)
    assert isinstance(after(unknown, ROW, FOR_A_DAY), SendAgain)
    assert state(after(unknown, OLD, FOR_A_DAY)) is RowState.IN_DOUBT

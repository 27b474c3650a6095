"""From a cause to the sentence and the line to type."""

import shlex

import pytest

from penstock.insights.advice import advise, advise_asking
from penstock.ledger.rows import Cause, DoubtsAhead
from penstock.ledger.states import RowState


def cause(
    state: RowState, *, status: int | None = None, reason: str = "", rows: int = 1204, example: str = "1042"
) -> Cause:
    return Cause(state, status, reason, rows, example)


def test_a_500_in_doubt_is_told_in_the_words_of_the_contract() -> None:
    assert str(advise(cause(RowState.IN_DOUBT, status=500, reason="answered 500"), "orders.yaml")) == (
        "1,204 rows in doubt: answered 500. If a 500 of this API means that nothing was stored: "
        "not_applied: {add: [500]}, then penstock resolve orders.yaml --status 500 --as pending --note ..."
    )


def test_rows_in_doubt_without_an_answer_are_asked_for_at_the_api() -> None:
    advice = advise(cause(RowState.IN_DOUBT, reason="no answer within 30 s"), "orders.yaml")
    assert "penstock resolve orders.yaml --reason 'no answer within 30 s' --as imported|pending" in advice.then
    assert "penstock show orders.yaml 1042" in advice.then


def test_a_2xx_in_doubt_points_to_what_counts_as_accepted() -> None:
    advice = advise(cause(RowState.IN_DOUBT, status=200, reason="answered 200, not accepted"), "orders.yaml")
    assert "widen target.accept" in advice.then


def test_where_the_api_can_be_asked_it_is_not_told_what_a_500_means() -> None:
    advice = advise(cause(RowState.IN_DOUBT, status=500, reason="answered 500"), "orders.yaml", has_probe=True)
    assert str(advice) == (
        "1,204 rows in doubt: answered 500. What the API says of one when asked: penstock show orders.yaml 1042. "
        "If you know more than that: penstock resolve orders.yaml --status 500 --as imported|pending --note ..."
    )


@pytest.mark.parametrize(
    ("doubts", "unasked", "then"),
    [
        (
            DoubtsAhead(3, 2, 605.0),
            "",
            "For 2 of them it is too early to believe that they have not arrived; in 10 min 5 s: penstock run orders.yaml",
        ),
        (
            DoubtsAhead(3, 0, 0.0),
            "",
            "What it says of those that stay is below; it is asked again by penstock run orders.yaml",
        ),
        (
            DoubtsAhead(3, 2, 605.0),
            "answered 401; look at target.headers: who is asking?",
            "It could not be asked (answered 401; look at target.headers: who is asking?). "
            "When that is mended: penstock run orders.yaml",
        ),
    ],
    ids=["too early", "asked", "not asked"],
)
def test_what_the_next_run_does_about_rows_in_doubt_is_told(doubts: DoubtsAhead, unasked: str, then: str) -> None:
    advice = advise_asking(doubts, unasked, "orders.yaml")
    assert advice is not None
    assert (advice.what, advice.then) == (
        "3 rows in doubt, about which each run asks the API (target.probe)",
        then,
    )


def test_without_rows_in_doubt_nothing_is_told() -> None:
    assert advise_asking(DoubtsAhead(0, 0, 0.0), "", "orders.yaml") is None


def test_a_row_that_does_not_map_names_row_and_retry() -> None:
    advice = advise(cause(RowState.FAILED, reason="column 'born': zero date", rows=1), "orders.yaml")
    assert advice.what == "1 row failed: column 'born': zero date"
    assert advice.commands[-1] == """penstock retry orders.yaml --reason 'column '"'"'born'"'"': zero date'"""


def test_business_errors_with_status_200_are_told_apart_by_their_reason() -> None:
    advice = advise(cause(RowState.FAILED, status=200, reason="refused: code 40012"), "orders.yaml")
    assert advice.commands[-1] == "penstock retry orders.yaml --reason 'refused: code 40012'"


def test_used_up_attempts_wait_for_a_healthy_api() -> None:
    advice = advise(cause(RowState.FAILED, status=503, reason="answered 503; attempts used up"), "orders.yaml")
    assert advice.then == "When the API is well again: penstock retry orders.yaml --status 503"


def test_skipped_rows_need_nothing() -> None:
    assert str(advise(cause(RowState.SKIPPED, reason="skipped by the mapping", rows=1), "orders.yaml")) == (
        "1 row skipped: skipped by the mapping."
    )


@pytest.mark.parametrize("file", ["my orders.yaml", "it's.yaml", "$HOME.yaml"])
@pytest.mark.parametrize("state", [RowState.FAILED, RowState.IN_DOUBT])
def test_every_suggested_line_survives_a_shell(file: str, state: RowState) -> None:
    reason = "it's `bad` $(rm)"
    for line in advise(cause(state, reason=reason, example='"A 1"'), file).commands:
        words = shlex.split(line)
        assert words[2] == file
        assert "A 1" in words or reason in words


def test_an_answer_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in str(advise(cause(RowState.SKIPPED, reason="\x1b[2J"), "orders.yaml"))

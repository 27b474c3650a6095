"""How many rows a selection means."""

from datetime import UTC, datetime

import pytest

from penstock.insights.selection import in_words, rows_selected
from penstock.ledger.rows import Cause, LedgerRow, Selection
from penstock.ledger.states import RowState

DOUBT = frozenset({RowState.IN_DOUBT})
CAUSES = (
    Cause(RowState.IN_DOUBT, 500, "answered 500", 30, "1"),
    Cause(RowState.IN_DOUBT, None, "no answer within 30 s", 7, "2"),
    Cause(RowState.FAILED, 500, "answered 500; attempts used up", 100, "3"),
)


def row(key: str, state: RowState, status: int | None = None) -> LedgerRow:
    return LedgerRow(key, 1, 1, state, 1, status, None, None, None, None, None, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("selection", "rows"),
    [
        (Selection(DOUBT), 37),
        (Selection(DOUBT, status=500), 30),
        (Selection(DOUBT, reason="no answer"), 7),
        (Selection(DOUBT, reason="no answer", status=500), 0),
        (Selection(frozenset({RowState.FAILED, RowState.IN_DOUBT}), status=500), 130),
    ],
)
def test_a_selection_adds_up_the_causes_it_matches(selection: Selection, rows: int) -> None:
    assert rows_selected(selection, CAUSES, ()) == rows


def test_given_keys_count_only_in_the_selected_state() -> None:
    selection = Selection(DOUBT, keys=("1", "2"), status=500)
    rows = [row("1", RowState.IN_DOUBT, 500), row("2", RowState.IMPORTED, 500), row("3", RowState.IN_DOUBT, 502)]
    assert rows_selected(selection, CAUSES, rows) == 1


def test_a_selection_is_told_in_words() -> None:
    assert in_words(Selection(DOUBT, ("1", "2"), "no answer", 500)) == (
        "in doubt, last answered 500, reason with 'no answer', key 1 or 2"
    )

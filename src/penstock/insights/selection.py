"""How many rows a person's selection means, before anything is done to them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from penstock.insights.keys import plain_key
from penstock.ledger.rows import Cause, LedgerRow, Selection

MOST_KEYS = 3  # named


def rows_selected(selection: Selection, causes: Iterable[Cause], rows: Iterable[LedgerRow]) -> int:
    """causes: of the whole job. rows: those of the selection's keys that the ledger has."""
    if selection.keys:
        return sum(_matches(selection, row) for row in rows)
    return sum(cause.rows for cause in causes if _matches(selection, cause))


def in_words(selection: Selection) -> str:
    """ "in doubt, answered 500, reason with 'no answer'"."""
    parts = [" or ".join(sorted(state.replace("_", " ") for state in selection.states))]
    parts += [f"last answered {selection.status}"] if selection.status is not None else []
    parts += [f"reason with {selection.reason!r}"] if selection.reason else []
    if selection.keys:
        named = [plain_key(key) for key in selection.keys[:MOST_KEYS]]
        more = len(selection.keys) - MOST_KEYS
        parts.append("key " + " or ".join([*named, *([f"{more} more"] if more > 0 else [])]))
    return ", ".join(parts)


def _matches(selection: Selection, what: Cause | LedgerRow) -> bool:
    return (
        what.state in selection.states
        and (selection.status is None or what.status == selection.status)
        and (not selection.reason or selection.reason in (what.reason or ""))
    )

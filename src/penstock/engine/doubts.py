"""What follows from what the API says of a row in doubt: the one place that knows. Pure: no clock, no I/O, no state.

The row ends, goes back among those that wait to be sent, or stays in doubt with the reason said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from penstock.ledger.rows import Asked, Doubt, LedgerRow, Settlement
from penstock.ledger.states import RowState
from penstock.target.verdicts import Absent, Found, ProbeVerdict, StillInDoubt

GONE = "not asked about: gone from the query"


@dataclass(frozen=True, slots=True)
class Terms:
    """When `absent` counts. after: seconds that a row must have been in doubt before it is asked about, so that none of its
    requests can be under way any more and the API has had its time. attempts: of one row at most."""

    after: float
    attempts: int


def after_probe(verdict: ProbeVerdict, doubt: Doubt, fingerprint: int, terms: Terms) -> Asked:
    """fingerprint: of the row as it was when it was asked about. doubt.age: by then at least."""
    row = doubt.row
    match verdict:
        case Found(status, receipt):
            found = Settlement(
                row.key, RowState.IMPORTED, row.attempts, status, None, receipt, None, row.fingerprint, row.first_sent
            )
            return Asked(row, found, f"in_doubt → imported: it has arrived (answered {status})")
        case Absent(status):
            return _after_absent(status, doubt, fingerprint, terms)
        case StillInDoubt(reason, _, answer):
            return stays(row, f"still in doubt: {reason}", answer)
        case _:
            assert_never(verdict)


def stays(row: LedgerRow, detail: str, said: str = "") -> Asked:
    """The row is left as it is."""
    return Asked(row, Settlement(row.key, RowState.IN_DOUBT), detail, said)


def _after_absent(status: int, doubt: Doubt, fingerprint: int, terms: Terms) -> Asked:
    """Absent is proof only of what was asked about, so of a row that is what it was when it was sent, and only once no request of
    it can arrive any more."""
    row = doubt.row
    if row.fingerprint is None:
        return stays(row, f"still in doubt: not there (answered {status}), but nobody knows what exactly was sent")
    if row.fingerprint != fingerprint:
        return stays(row, f"still in doubt: not there (answered {status}), but the row has changed since it was sent")
    if doubt.age < terms.after:
        return stays(
            row,
            f"still in doubt: not there (answered {status}), which counts {terms.after:.0f} s after it fell into doubt",
        )
    why = f"it has not arrived (answered {status}, asked {doubt.age:.0f} s after it fell into doubt)"
    if row.attempts >= terms.attempts:
        reason = f"{row.reason or 'in doubt'}; not there when asked; attempts used up"
        failed = Settlement(row.key, RowState.FAILED, row.attempts, row.status, reason, None, row.answer)
        return Asked(row, failed, f"in_doubt → failed: {why}; attempts used up")
    reason = f"not there when asked; before that: {row.reason or 'in doubt'}"
    pending = Settlement(row.key, RowState.PENDING, row.attempts, row.status, reason)
    return Asked(row, pending, f"in_doubt → pending: {why}")

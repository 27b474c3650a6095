"""Rows as the ledger knows them, and what becomes of them: values of the ledger's port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from penstock.ledger.states import RowState
from penstock.rows import KeyText


class Settlement(NamedTuple):
    """What becomes of one row. status: of the API's last answer; reason: the cause, short enough to group by;
    receipt: the new id; answer: an excerpt of what the API said (failed and in doubt only); fingerprint: of the row as it was
    sent (imported, in doubt), None where that is not known; first_sent: when it may first have been on the wire (only jobs whose
    idempotency expires)."""

    key: KeyText
    state: RowState
    attempts: int = 0
    status: int | None = None
    reason: str | None = None
    receipt: str | None = None
    answer: str | None = None
    fingerprint: int | None = None
    first_sent: float | None = None


class LedgerRow(NamedTuple):
    """A row as the ledger knows it."""

    key: KeyText
    range_no: int
    fence: int
    state: RowState
    attempts: int
    status: int | None
    reason: str | None
    receipt: str | None
    answer: str | None
    fingerprint: int | None
    first_sent: float | None
    updated_at: datetime


class Doubt(NamedTuple):
    """A row in doubt, as somebody saw it. age: seconds that it had been so by then, on the ledger's clock."""

    row: LedgerRow
    age: float


class Asked(NamedTuple):
    """What asking the API about a row in doubt came to. seen: the row before it was asked about: if it is another one by now,
    nothing is written. settlement: imported, pending, failed, or in doubt: it stays as it is. detail: what follows and why, for
    the event; said: an excerpt of what the API said, "" if that is not worth telling."""

    seen: LedgerRow
    settlement: Settlement
    detail: str
    said: str = ""


class Notice(NamedTuple):
    """A row that ended failed or in doubt, as others are told of it. is_told: they have been, of the row as it is here."""

    key: KeyText
    range_no: int
    state: RowState
    attempts: int
    status: int | None
    reason: str | None
    updated_at: datetime
    is_told: bool


class DoubtsAhead(NamedTuple):
    """Rows in doubt: how many; how many of them not for long enough yet; in how many seconds all will have been."""

    rows: int
    young: int
    seconds: float


# The reason of rows that are skipped because their flag was set before penstock came.
FLAG_SET_BEFORE = "flag set before"


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals of a job. pending_exact: the cursor is at its end and every range's rows are counted; else pending is an estimate
    that leaves out rows not yet planned (`ahead` tells those)."""

    imported: int
    failed: int
    in_doubt: int
    skipped: int
    pending: int
    claimed: int  # of the pending: those in windows
    pending_exact: bool
    ahead: int | None = (
        None  # keys of the key's own table beyond the cursor, as last told by `tell_total`; None: not known yet
    )


class Cause(NamedTuple):
    """How many rows share a state, status and reason; `example` is the key of one of them."""

    state: RowState
    status: int | None
    reason: str
    rows: int
    example: KeyText


class Selection(NamedTuple):
    """Which rows a person means. reason: text contained in the reason; None or empty: any."""

    states: frozenset[RowState]
    keys: Sequence[KeyText] = ()
    reason: str | None = None
    status: int | None = None

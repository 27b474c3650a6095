"""What `verify` finds, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from penstock.ledger.states import RowState
from penstock.rows import KeyText


class FindingKind(StrEnum):
    """What may be wrong with a row. docs/how-to/verify.md says what to do about each."""

    MISSING = "missing"  # the source shows the row, and the new store has no record of it (or nobody ever sent it)
    EXTRA = "extra"  # the new store has a record that no row of the source explains
    DOUBLED = "doubled"  # the new store has several records of one row
    DIFFERING = "differing"  # a compared field holds another value than the row says
    INCOMPARABLE = "incomparable"  # what to compare cannot be: an expression fails, or the types say different things
    ARRIVED = "arrived"  # the new store has a record of a row that the ledger does not call imported
    SHARED = "shared"  # another row answers to the same record: `source_key` yields one value for both
    CHANGED = "changed"  # the row has changed in the source since it was imported
    GONE = "gone"  # imported, and the source does not show the row any more
    FLAG = "flag"  # the flag does not say what the ledger says


@dataclass(frozen=True, slots=True)
class Finding:
    """key: of the row; None where only the store has one. store_key: what the store calls it, for `extra`.
    state: of the row in the ledger; None where that is not the point. field, expected, found: of `differing` and
    `incomparable`, as the row and the store hold them. copies: of `doubled` and `extra`."""

    kind: FindingKind
    key: KeyText | None
    detail: str
    state: RowState | None = None
    store_key: tuple[object, ...] | None = None
    field: str | None = None
    expected: object = None
    found: object = None
    copies: int | None = None


class Progress(NamedTuple):
    """How far a verification is. rows: of the source, looked at; records: of the store, walked over; findings: so far."""

    rows: int
    records: int
    findings: int

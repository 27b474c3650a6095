"""Ranges, and what their owners write: values of the ledger's port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from penstock.ledger.events import Event
from penstock.ledger.rows import Settlement
from penstock.rows import KeyText


class RangeKind(StrEnum):
    SPAN = "span"  # the keys with after < key <= upto, made only by the cursor
    KEYS = "keys"  # the pending ledger rows that carry the range's number
    SWEEP = "sweep"  # one walk over all keys of the query, looking for rows the ledger does not know


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to a range. `fence` and `owner` go into every write; `batch` is the number of the last batch settled
    under any fence."""

    range_no: int
    kind: RangeKind
    owner: str
    fence: int
    batch: int
    after: KeyText | None = None
    upto: KeyText | None = None
    one_by_one: bool = False  # poison: three take-overs without progress; its rows go out one at a time


class Span(NamedTuple):
    """Keys with after < key <= upto. keys: how many of the key's own table (an estimate of its rows)."""

    after: KeyText | None
    upto: KeyText
    keys: int


class Free(NamedTuple):
    """A range that may be leased. fence: the last one that it was leased under, 0 if it never was."""

    range_no: int
    fence: int


class Left(NamedTuple):
    """A range that another worker has left behind. fence: the one it was leased under. is_proven: its owner is proven dead; else
    its lease has run out."""

    range_no: int
    fence: int
    is_proven: bool


class WindowKey(NamedTuple):
    """A key that may be on the wire. first_sent: as in Settlement. fingerprint: of the row as it goes out; None: not known, or an
    earlier attempt that may have been applied held other values."""

    key: KeyText
    first_sent: float | None = None
    fingerprint: int | None = None


@dataclass(frozen=True, slots=True)
class Portion:
    """The part of a batch that belongs to one lease.

    batch: the number this write gets, one more than the last of this lease; the ledger tells by it whether it was
           applied already.
    windows_done: numbers of windows none of whose keys can be on the wire any more once this is durable.
    remaining: set from the portion on in which the reader has reached the end: how many of the range's rows are still not
          final once this portion is. The ledger then sets rows = final counters + remaining (so that rows which a person
          moved out meanwhile are not counted twice).
    finished: the reader reached the end and this portion settles the last row: the range is done.
    release: give the lease back unfinished (a drain): the range is open again. Never together with `finished`.
    """

    lease: Lease
    batch: int
    settlements: Sequence[Settlement] = ()
    windows_done: Sequence[int] = ()
    events: Sequence[Event] = ()
    remaining: int | None = None
    finished: bool = False
    release: bool = False

"""The port to the old database: keyset pages in, flags out. No cursor, transaction or lock outlives a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from penstock.rows import KeyText, Row

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class KeyPage(NamedTuple):
    """The next keys of the key's own table. `last`: the greatest of them, None if there are none; `keys`: how many;
    `at_end`: the table ended within this page."""

    last: KeyText | None
    keys: int
    at_end: bool


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows in key order, and whether the asked-for bounds hold no further row."""

    rows: Sequence[Row]
    at_end: bool


# after < key <= upto; None: from the first key on.
Bounds: TypeAlias = tuple[KeyText | None, KeyText]


class KeySlice(NamedTuple):
    """keys: those that the query shows there, in key order. upto: it goes on behind this key; None: the query ended."""

    keys: Sequence[KeyText]
    upto: KeyText | None


class Mark(NamedTuple):
    """A row whose flag is due, with what `flag.set` may use."""

    key: KeyText
    receipt: str | None


class Accepted(Protocol):
    """Whatever tells of an accepted row what a Mark does."""

    @property
    def key(self) -> KeyText: ...
    @property
    def receipt(self) -> str | None: ...


class Flags(Protocol):
    """Writes the flag of accepted rows. Works inside the caller's transaction so that ledger and flag are one commit."""

    async def mark(self, connection: AsyncConnection, marks: Sequence[Accepted]) -> int:
        """Set the flag (and `flag.set`) of these rows; pins ON UPDATE columns. Returns how many rows matched.
        Raises FlagsLocked if they cannot all be marked here and now (others hold a row for over a second, a trigger refuses,
        the table has no transactions); the caller's transaction is as good as before, and all of them stay due."""
        ...

    async def mark_unlocked(self, connection: AsyncConnection, marks: Sequence[Mark]) -> Sequence[KeyText]:
        """As `mark`, leaving out rows that others lock; returns the keys that are done with (marked, or gone from the table)."""
        ...

    async def clear(self, connection: AsyncConnection, keys: Sequence[KeyText]) -> int:
        """Set the flag back to 0 (`penstock reset`). Returns how many rows matched."""
        ...


class FlagsLocked(Exception):
    """Flags cannot be set in this transaction: another session holds a row, mostly."""


class Source(Protocol):
    @property
    def rows_at_once(self) -> int:
        """How many rows fit into memory at once, as far as the pages so far have shown: ask `read_keys` for no more."""
        ...

    columns: Sequence[str]  # of the query, in order

    async def next_keys(self, after: KeyText | None, limit: int) -> KeyPage:
        """Walk the key's own table (not the query): cheap however complex the query is."""
        ...

    async def read_span(self, after: KeyText | None, upto: KeyText, limit: int) -> RowPage:
        """Rows of the query with after < key <= upto, in key order, at most `limit` of them."""
        ...

    async def read_keys(self, keys: Sequence[KeyText]) -> Mapping[KeyText, Row]:
        """Rows of the query with these keys, as they are now; keys that left the query are missing."""
        ...

    async def keys_in_query(self, after: KeyText | None, limit: int) -> KeySlice:
        """For the sweep: the next keys that the query itself shows, at most `limit`. Where the query shows few rows of a large
        table there may be none of them before the slice ends."""
        ...

    async def flagged(self, keys: Sequence[KeyText], within: Bounds | None = None) -> frozenset[KeyText]:
        """Those of the keys whose flag is already set; empty where that means nothing: no flag, or flag.existing: ignore.
        within: bounds of all of these keys, at most about as far apart as `next_keys` goes; it may be quicker by them."""
        ...

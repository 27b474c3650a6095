"""The ports of `verify`: the new store, and what it asks of the source and of the ledger. All of them are only read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from penstock.ledger.rows import Counts, LedgerRow
from penstock.ledger.states import RowState
from penstock.rows import KeyText, Record, Row


class Store(Protocol):
    """What the new store holds under some keys, and all the keys that it holds.

    Values come as the store's driver gives them, exact and with their types: integers, Decimal, float, text, bytes, dates,
    UUIDs, lists, mappings, None. What they equal is judged by penstock.verify.equality alone.

    Methods raise StoreUnreachable for what may pass (the same call may be made again), JobError for what will not.
    """

    @property
    def name(self) -> str:
        """For people, without secrets: "new.example.com:3306/shop"."""
        ...

    @property
    def key(self) -> Sequence[str]:
        """What the key's columns or fields are called there."""
        ...

    @property
    def fields(self) -> Sequence[str]:
        """What `Record.values` hold, in order."""
        ...

    @property
    def walks(self) -> bool:
        """Whether `walk` and `without_key` show what is there. If not, what is extra cannot be found."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether each look shows the store as it is then. If not, all looks show it as it was when it was read."""
        ...

    async def look_again(self) -> None:
        """Called before doubts are looked at once more: from here on a store that is not live shows what is there by now."""
        ...

    async def look_up(self, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        """Every record whose key is one of these, at most 1,000; several with one key where it is doubled. A key is found
        whatever type it has here: 42 also as "42", and the other way round."""
        ...

    def walk(self) -> AsyncGenerator[Sequence[tuple[object, ...]]]:
        """Every key that is there, page by page in the store's own order; one that is doubled may come once or more often."""
        ...

    async def without_key(self) -> int:
        """How many records have no key (NULL, or the field is absent): neither of the other two ever shows them."""
        ...


class Rows(Protocol):
    """The source. Methods raise SourceUnreachable for what may pass, JobError for what will not."""

    @property
    def rows_at_once(self) -> int:
        """How many rows fit in memory at once."""
        ...

    def pages(self) -> AsyncGenerator[Sequence[Row]]:
        """Every row of the query, at most 1,000 at once."""
        ...

    async def read_keys(self, keys: Sequence[KeyText]) -> Mapping[KeyText, Row]:
        """Rows of the query with these keys, as they are now; keys that left the query are missing."""
        ...

    async def find(self, keys: Sequence[Sequence[object]]) -> Sequence[KeyText]:
        """The keys of the query's rows among these, whatever type they have there."""
        ...

    def texts(self, key: Sequence[object]) -> Sequence[KeyText]:
        """What a key of the store's may be called in the ledger."""
        ...


class FlagStates(Protocol):
    """What the flags say now, whoever set them."""

    async def set_among(self, keys: Sequence[KeyText]) -> frozenset[KeyText]: ...

    async def unset_among(self, keys: Sequence[KeyText]) -> frozenset[KeyText]:
        """Those of the keys whose row is in the flag's table, and its flag not set."""
        ...


class LedgerRows(Protocol):
    """The part of the ledger's ReadModel that is needed here."""

    async def look_up(self, keys: Sequence[KeyText]) -> Mapping[KeyText, LedgerRow]: ...
    async def counts(self) -> Counts: ...
    async def rows(self, states: frozenset[RowState], after: KeyText | None, limit: int) -> Sequence[LedgerRow]: ...


class Expected(Protocol):
    """What the job says that the store should hold."""

    @property
    def fields(self) -> Sequence[str]:
        """What is compared, in order."""
        ...

    @property
    def computes_key(self) -> bool:
        """Whether the store's key is another than the row's own."""
        ...

    def key(self, row: Row, receipt: str | None) -> tuple[object, ...]:
        """The key in the store. Raises RowError."""
        ...

    def values(self, row: Row, receipt: str | None) -> Sequence[object]:
        """In the order of `fields`; a RowError in the place of one that cannot be told."""
        ...

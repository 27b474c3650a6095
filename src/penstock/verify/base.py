"""The port to the new store: what it holds under some keys, and all the keys that it holds. Only ever read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from penstock.rows import Record


class Store(Protocol):
    """Values come as the store's driver gives them, exact and with their types: integers, Decimal, float, text, bytes, dates,
    UUIDs, lists, mappings, None. What they equal is judged by penstock.verify.equality alone.

    Methods raise StoreUnreachable for what may pass (the same call may be made again), JobError for what will not.
    """

    name: str  # for people, without secrets: "orders of mysql://new.example.com/shop"
    fields: Sequence[str]  # what `Record.values` hold, in order

    async def look_up(self, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        """Every record whose key is one of these, at most 1,000; several with one key where it is doubled. A key is found
        whatever type it has here: 42 also as "42", and the other way round."""
        ...

    def walk(self) -> AsyncIterator[Sequence[tuple[object, ...]]]:
        """Every key that is there, page by page in the store's own order; one that is doubled may come once or more often."""
        ...

    async def without_key(self) -> int:
        """How many records have no key (NULL, or the field is absent): neither of the other two ever shows them."""
        ...

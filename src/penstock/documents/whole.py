"""A collection whose look-ups no index serves: it is read once, from end to end, rather than once for every page of rows.

The port is penstock.verify.base.Store.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from penstock.documents.mongodb import MongoCollection
from penstock.rows import Record
from penstock.shelf.records import RecordFile
from penstock.shelf.snapshot import Snapshot


class WholeCollection:
    walks = True
    is_live = False

    def __init__(self, collection: MongoCollection) -> None:
        self.name = collection.name
        self.key = collection.key
        self.fields = collection.fields
        self._collection = collection
        self._snapshot = Snapshot(self._read)

    async def look_up(self, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        """See Store.look_up: as the collection was when it was read."""
        return await self._snapshot.look_up(keys)

    def walk(self) -> AsyncGenerator[Sequence[tuple[object, ...]]]:
        """See Store.walk."""
        return self._snapshot.walk()

    async def without_key(self) -> int:
        return await self._snapshot.without_key()

    async def look_again(self) -> None:
        self._snapshot.look_again()

    async def scanned(self) -> str | None:
        """See MongoCollection.scanned: it is read once, and that once is as slow as it is."""
        return None

    async def aclose(self) -> None:
        self._snapshot.close()
        await self._collection.aclose()

    async def _read(self, file: RecordFile) -> None:
        async with aclosing(self._collection.records()) as pages:
            async for records in pages:
                file.add(records)

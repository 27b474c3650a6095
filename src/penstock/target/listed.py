"""The API itself as the new store that `verify` looks into, by a list of all its records. The port is penstock.verify.base.Store.

No list can be asked for a key, so all of its pages are read into a file, and every look goes there.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import closing, suppress

from penstock.errors import JobError, RowError
from penstock.rows import Record
from penstock.shelf.records import RecordFile
from penstock.shelf.snapshot import Snapshot
from penstock.shelf.texts import Spool
from penstock.spec.wire import to_json
from penstock.target.asker import Asker
from penstock.target.next_page import next_target
from penstock.target.record_fields import Fields
from penstock.target.wire import TargetAddress

# Pages in a row without a record: a filter may leave some empty, but not for ever.
MOST_EMPTY = 1000


class ListedRecords:
    """first: path and query of the first page. render: the whole request for a path and query. cursor_target: path and query for
    a cursor, where the url has one."""

    walks = True
    is_live = False

    def __init__(
        self,
        asker: Asker,
        address: TargetAddress,
        first: str,
        render: Callable[[bytes], bytes],
        cursor_target: Callable[[object], bytes] | None,
        fields: Fields,
    ) -> None:
        self.name = asker.name
        self.key = fields.key
        self.fields = fields.others
        self._asker = asker
        self._address = address
        self._first = first
        self._render = render
        self._cursor_target = cursor_target
        self._record_fields = fields
        self._snapshot = Snapshot(self._read)

    async def look_up(self, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        """See Store.look_up: as the list was when it was read."""
        return await self._snapshot.look_up(keys)

    def walk(self) -> AsyncGenerator[Sequence[tuple[object, ...]]]:
        """See Store.walk."""
        return self._snapshot.walk()

    async def without_key(self) -> int:
        return await self._snapshot.without_key()

    async def look_again(self) -> None:
        self._snapshot.look_again()

    async def scanned(self) -> str | None:
        """Whether the API has an index is its own affair; that there is one can be seen. Raises StoreUnreachable."""
        await self._asker.reach()
        return None

    async def aclose(self) -> None:
        self._snapshot.close()
        await self._asker.aclose()

    async def _read(self, file: RecordFile) -> None:
        with closing(Spool()) as seen:
            await self._read_pages(file, seen)

    async def _read_pages(self, file: RecordFile, seen: Spool) -> None:
        """seen: the addresses of pages that were read."""
        target: str | None = self._first
        number, empty, before = 0, 0, b""
        while target is not None:
            number += 1
            if seen.among([target]):
                raise JobError(
                    f"verify.next: the list of {self.name} leads from its page {number - 1} back to one that was read already; "
                    "it must yield another page each time, and nothing at the end"
                )
            told = await self._asker.ask(self._render(target.encode("ascii")), None, f"page {number} of its list")
            digest = _digest(told.documents)
            if digest and digest == before:
                raise JobError(
                    f"verify.next: page {number} of {self.name} is page {number - 1} again, under another address; "
                    "does verify.url say which page it wants as the API understands it?"
                )
            empty = 0 if told.documents else empty + 1
            if empty > MOST_EMPTY:
                raise JobError(
                    f"verify.next: {MOST_EMPTY:,} pages in a row of {self.name} are empty, and there is a next one"
                )
            before = digest
            seen.add([target])
            file.add([self._record_fields.record_of(document) for document in told.documents])
            target = next_target(told.next, target, self._address, self._cursor_target)


def _digest(documents: Sequence[object]) -> bytes:
    """The same for the same documents; b"" where there are none, or they cannot be told apart so."""
    if not documents:
        return b""
    with suppress(RowError):
        return hashlib.sha256(to_json(documents, "the page")).digest()
    return b""

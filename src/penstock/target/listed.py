"""The API itself as the new store that `verify` looks into, by a list of all its records. The port is penstock.verify.base.Store.

No list can be asked for a key, so all of its pages are read into a file, and every look goes there.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

from penstock.errors import JobError, RowError
from penstock.rows import Record
from penstock.spec.wire import to_json
from penstock.target.asker import Asker
from penstock.target.listing import Listing
from penstock.target.next_page import next_target
from penstock.target.record_fields import Fields
from penstock.target.wire import TargetAddress

PAGE = 1000
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
        self._listing: Listing | None = None
        self._times_read = 0
        self._reading = asyncio.Lock()

    async def look_up(self, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        """See Store.look_up: as the list was when it was read."""
        return (await self._read()).look_up(keys)

    async def walk(self) -> AsyncGenerator[Sequence[tuple[object, ...]]]:
        """See Store.walk."""
        for keys in (await self._read()).keys(PAGE):
            yield keys

    async def without_key(self) -> int:
        return (await self._read()).without_key

    async def look_again(self) -> None:
        """The next look reads the list again, but for once: a list that is read for every doubt would be read for ever."""
        if self._times_read == 1:
            self._forget()

    async def scanned(self) -> str | None:
        """Whether the API has an index is its own affair; that there is one can be seen. Raises StoreUnreachable."""
        await self._asker.reach()
        return None

    async def aclose(self) -> None:
        self._forget()
        await self._asker.aclose()

    def _forget(self) -> None:
        if self._listing is not None:
            self._listing.close()
            self._listing = None

    async def _read(self) -> Listing:
        async with self._reading:
            if self._listing is None:
                listing = Listing(self._record_fields)
                try:
                    await self._read_into(listing)
                except BaseException:
                    listing.close()
                    raise
                self._listing = listing
                self._times_read += 1
            return self._listing

    async def _read_into(self, listing: Listing) -> None:
        target: str | None = self._first
        number, empty, before = 0, 0, b""
        while target is not None:
            number += 1
            if not listing.begin_page(target):
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
            listing.add(told.documents)
            target = next_target(told.next, target, self._address, self._cursor_target)
        listing.complete()


def _digest(documents: Sequence[object]) -> bytes:
    """The same for the same documents; b"" where there are none, or they cannot be told apart so."""
    if not documents:
        return b""
    with suppress(RowError):
        return hashlib.sha256(to_json(documents, "the page")).digest()
    return b""

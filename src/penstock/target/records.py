"""The API itself as the new store that `verify` looks into, asked about each row. The port is penstock.verify.base.Store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from penstock.errors import JobError, RowError
from penstock.rows import Record, match_text
from penstock.target.asker import Asker
from penstock.target.record_fields import Fields, names_in


class AskedRecords:
    """render: the request about a key; raises RowError for a key that has no place in the address, as `.` in a path: nothing is
    found under it."""

    walks = False  # nobody is told what has not been asked for
    is_live = True

    def __init__(
        self,
        asker: Asker,
        render: Callable[[tuple[object, ...]], bytes],
        fields: Fields,
    ) -> None:
        self.name = asker.name
        self.key = fields.key
        self.fields = fields.others
        self._asker = asker
        self._render = render
        self._fields = fields

    async def look_up(self, keys: Sequence[tuple[object, ...]]) -> Sequence[Record]:
        """See Store.look_up."""
        asked = {match_text(key): key for key in keys}
        tasks = [asyncio.ensure_future(self._look_up(text, key)) for text, key in asked.items()]
        try:
            return [record for found in await asyncio.gather(*tasks) for record in found]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def walk(self) -> AsyncGenerator[Sequence[tuple[object, ...]]]:
        """See Store.walks."""
        pages: Sequence[Sequence[tuple[object, ...]]] = ()
        for page in pages:
            yield page

    async def without_key(self) -> int:
        return 0

    async def look_again(self) -> None:
        """Each look is a new one."""

    async def scanned(self) -> str | None:
        """Whether the API has an index is its own affair; that there is one can be seen. Raises StoreUnreachable."""
        await self._asker.reach()
        return None

    async def aclose(self) -> None:
        await self._asker.aclose()

    async def _look_up(self, text: str, key: tuple[object, ...]) -> Sequence[Record]:
        try:
            request = self._render(key)
        except RowError:
            return ()
        told = await self._asker.ask(request, plain(key), f"the record of {text}")
        records = [self._record_of(document, text) for document in told.documents]
        # An API that searches may show others besides; each of those is asked for by its own key.
        return [record for record in records if match_text(record.key) == text]

    def _record_of(self, document: Mapping[str, object], text: str) -> Record:
        absent = self._fields.absent_in(document)
        if absent:
            raise JobError(
                f"verify.key: what {self.name} answers for {text} has no field {absent[0]!r}, so that nothing tells whose it is; "
                f"it has {names_in(document)}. An API that does not repeat the key: "
                f"record: \"{{{{ {{'{absent[0]}': key, ...}} }}}}\""
            )
        return self._fields.record_of(document)


def plain(key: tuple[object, ...]) -> object:
    """What `key` is in an expression: the value, or a list of them for composite keys."""
    return key[0] if len(key) == 1 else list(key)

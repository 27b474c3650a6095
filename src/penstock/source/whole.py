"""A source from its first row to its last, and by keys that come from elsewhere. The port is penstock.verify.base.Rows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence

from penstock.rows import KeyText, Row
from penstock.source.key_finder import KeyFinder
from penstock.source.keyset import most_keys
from penstock.source.reader import SqlSource


class WholeSource:
    """Raises SourceUnreachable for what may pass, JobError for what will not."""

    def __init__(self, source: SqlSource, finder: KeyFinder) -> None:
        self._source = source
        self._finder = finder
        width = len(source.plan.key)
        # As many as whole statements look up; one more would cost each look-up a statement of its own.
        self._span = most_keys(width) * width

    @property
    def rows_at_once(self) -> int:
        return self._source.rows_at_once

    async def pages(self) -> AsyncGenerator[Sequence[Row]]:
        """As a run plans: bounds from the key's own table, so that a query which groups or joins is never asked for all of its
        rows."""
        after: KeyText | None = None
        while True:
            span = await self._source.next_keys(after, self._span)
            if span.last is None:
                return
            read: KeyText | None = after
            at_end = False
            while not at_end:
                page = await self._source.read_span(read, span.last, self._span)
                at_end = page.at_end
                if page.rows:
                    read = page.rows[-1].key
                    yield page.rows
            if span.at_end:
                return
            after = span.last

    async def read_keys(self, keys: Sequence[KeyText]) -> Mapping[KeyText, Row]:
        return await self._source.read_keys(keys)

    async def find(self, keys: Sequence[Sequence[object]]) -> Sequence[KeyText]:
        return await self._finder.find(keys)

    def texts(self, key: Sequence[object]) -> Sequence[KeyText]:
        return self._finder.texts(key)

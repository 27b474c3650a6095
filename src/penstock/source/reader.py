"""Reads a source page by page. Each call opens a connection, reads, and gives it back: nothing is held in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.database.connect import Database
from penstock.database.fetch import Fetched, NotText, fetch
from penstock.errors import JobError
from penstock.rows import Key, KeyText, Row, decode_key, decode_keys
from penstock.source.base import Bounds, KeyPage, KeySlice, RowPage
from penstock.source.careful import NO_TEXT, fetch_carefully
from penstock.source.columns import ColumnKind
from penstock.source.failures import source_errors
from penstock.source.keyset import Condition, chunks
from penstock.source.plan import Plan
from penstock.source.shape import equal_keys, null_key, refuse_twins, unreadable_key

MOST_ROWS = 1000
MOST_BYTES = 16 * 1024 * 1024
# Of a thousand rows between two keys, so many make it quicker to look through all than to find these by their keys.
_MANY = 100
# Flags between two keys; more there are where rows without number came in between after the keys were walked.
MOST_FLAGGED = 4000


class SqlSource:
    """The port of penstock.source.base on any SQL database. Made by `open_source`.

    identity: tells one source from another; a digest without secrets. plan: for FlagWriter and `check`.

    Methods raise SourceUnreachable for what may pass (the same call may be made again), JobError for what will not.
    """

    def __init__(self, database: Database, plan: Plan, identity: str) -> None:
        self.columns: Sequence[str] = tuple(column.name for column in plan.columns)
        self.identity = identity
        self.plan = plan
        self._database = database
        self._most_rows = MOST_ROWS
        self._has_text_in_key = any(
            column.kind in (ColumnKind.TEXT, ColumnKind.STORED) for column in plan.columns if column.name in plan.key
        )

    @property
    def rows_at_once(self) -> int:
        """How many rows fit in memory at once, as far as the pages so far have shown."""
        return self._most_rows

    async def next_keys(self, after: KeyText | None, limit: int) -> KeyPage:
        walk, behind = self.plan.walk, _values(after)
        # The server counts them off in its index; only at the table's end does it have to tell how many are left.
        last = (await self._fetch_keys(walk.nth(behind, limit))).rows
        if last:
            return KeyPage(self.plan.shape.keys(last)[0], limit, at_end=False)
        left = (await self._fetch_keys(walk.page(behind, None, limit))).rows
        keys = self.plan.shape.keys(left[-1:])
        return KeyPage(keys[0] if keys else None, len(left), at_end=len(left) < limit)

    async def read_span(self, after: KeyText | None, upto: KeyText, limit: int) -> RowPage:
        """May give fewer rows than `limit` although there are more: a page ends at about 16 MB."""
        limit = min(limit, self._most_rows)
        # One row more than wanted: whether the span ends here, and whether the next row has the same key, shows by it.
        statement = self.plan.rows.page(_values(after), _values(upto), limit + 1)
        rows, is_whole = await self._rows(statement, MOST_BYTES if self.plan.is_wide else None)
        self._learn_size(len(rows), is_whole=is_whole)
        refuse_twins([row.key for row in rows], self.plan.key)
        at_end = is_whole and len(rows) <= limit
        rows = rows[:limit]
        if rows and not at_end:
            await self._refuse_equals(rows[-1].key)
        return RowPage(rows, at_end=at_end)

    async def read_keys(self, keys: Sequence[KeyText]) -> Mapping[KeyText, Row]:
        """All of them at once, however large: ask for no more than `rows_at_once`."""
        asked = set(keys)
        found: dict[KeyText, Row] = {}
        for chunk in chunks(decode_keys(keys), len(self.plan.key)):
            rows, _ = await self._rows(self.plan.rows.of(chunk), None)
            # A collation takes more texts for equal than the ledger does.
            wanted = [row for row in rows if row.key in asked]
            refuse_twins(sorted(row.key for row in wanted), self.plan.key)
            found.update((row.key, row) for row in wanted)
        return found

    async def keys_in_query(self, after: KeyText | None, limit: int) -> KeySlice:
        """Between two keys of the key's own table: without an upper bound servers have joined and sorted everything for the first
        page of a query that joins tables."""
        upto = await self._key_behind(after, limit)
        statement = self.plan.keys.page(_values(after), _values(upto), limit + 1)
        found = self.plan.shape.keys((await self._fetch_keys(statement)).rows)
        refuse_twins(found, self.plan.key)
        if len(found) > limit:
            await self._refuse_equals(found[limit - 1])
            return KeySlice(found[:limit], found[limit - 1])
        if upto is None and self.plan.may_lack_key:
            await self.refuse_rows_without_key()
        return KeySlice(found, upto)

    async def _key_behind(self, after: KeyText | None, number: int) -> KeyText | None:
        """Of the key's own table, that so many keys further. None: it has not so many, or there is no such table, or what stands
        there names no row: then the query leaves it out."""
        walk = self.plan.walk
        if walk is self.plan.keys:
            return None
        try:
            keys = self.plan.shape.keys((await self._fetch_keys(walk.nth(_values(after), number))).rows)
        except JobError:
            return None
        return keys[0] if keys else None

    async def refuse_rows_without_key(self) -> None:
        """Raises JobError if the query shows a row whose key is NULL: no page ever will."""
        fetched = await self._fetch(Condition(self.plan.keys.without_key(), ()))
        if fetched.rows:
            raise null_key(self.plan.key)

    async def flagged(self, keys: Sequence[KeyText], within: Bounds | None = None) -> frozenset[KeyText]:
        flagged = self.plan.flagged
        if flagged is None:
            return frozenset()
        found: set[KeyText] = set()
        if within is not None and self.plan.walks_flags and len(keys) >= _MANY:
            after, upto = within
            rows = (await self._fetch(flagged.between(_values(after), _values(upto), MOST_FLAGGED + 1))).rows
            if len(rows) <= MOST_FLAGGED:
                return frozenset(str(number) for (number,) in rows).intersection(keys)
        for chunk in chunks(decode_keys(keys), len(self.plan.key)):
            found.update(self.plan.shape.keys((await self._fetch(flagged.of(chunk))).rows))
        return frozenset(found.intersection(keys))

    async def _refuse_equals(self, last: KeyText) -> None:
        """Raises JobError if the database takes another key for the same as the last one of a page (a collation that ignores
        case): what is equal is not greater, so that the next page would leave it out."""
        if self._has_text_in_key:
            equal = self.plan.shape.keys((await self._fetch_keys(self.plan.keys.of([decode_key(last)]))).rows)
            if len(equal) > 1:
                raise equal_keys(equal, self.plan.key)

    async def _rows(self, statement: Condition, most_bytes: int | None) -> tuple[list[Row], bool]:
        """Whole rows, and whether these are all."""
        try:
            fetched = await self._fetch(statement, most_bytes)
        except NotText:
            with source_errors(self._database, "reading rows"):
                fetched = await fetch_carefully(self._database, self.plan, statement, most_bytes)
        return self.plan.shape.rows(fetched.rows), fetched.is_whole

    def _learn_size(self, rows: int, *, is_whole: bool) -> None:
        """A page that was cut makes the next ones smaller, until they are not."""
        self._most_rows = min(2 * self._most_rows, MOST_ROWS) if is_whole else max(1, rows - 1)

    async def _fetch_keys(self, statement: Condition) -> Fetched:
        """Nothing but keys. Raises JobError where one of them is no text."""
        try:
            return await self._fetch(statement)
        except NotText as error:
            raise unreadable_key(self.plan.key, NO_TEXT) from error

    async def _fetch(self, statement: Condition, most_bytes: int | None = None) -> Fetched:
        with source_errors(self._database, "reading rows"):
            async with self._database.reading() as connection:
                return await fetch(connection, statement.text, statement.values, most_bytes=most_bytes)


def _values(key: KeyText | None) -> Key | None:
    return None if key is None else decode_key(key)

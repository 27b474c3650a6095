"""Which rows a source shows under keys that come from a new store, whatever type they have there."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.database.connect import Database
from penstock.database.fetch import fetch
from penstock.rows import Key, KeyText, encode_key
from penstock.source.failures import Unfit, source_errors
from penstock.source.keyset import chunks
from penstock.source.lookups import bindings
from penstock.source.plan import Plan


class KeyFinder:
    """Raises SourceUnreachable for what may pass, JobError for what will not."""

    def __init__(self, database: Database, plan: Plan) -> None:
        self._database = database
        self._plan = plan
        by_name = {column.name: column for column in plan.columns}
        self._kinds = [by_name[name].kind for name in plan.key]

    def texts(self, key: Sequence[object]) -> Sequence[KeyText]:
        """What such a key may be called in the ledger; none if it fits no column of the source's."""
        return [encode_key(bound) for bound in bindings(key, self._kinds, self._plan.rows.dialect)]

    async def find(self, keys: Sequence[Sequence[object]]) -> Sequence[KeyText]:
        """The keys of the query's rows among these, as the source has them."""
        asked = [bound for key in keys for bound in bindings(key, self._kinds, self._plan.rows.dialect)]
        found: list[KeyText] = []
        for some in chunks(asked, len(self._kinds)):
            found += await self._find(some)
        return found

    async def _find(self, keys: Sequence[Key]) -> Sequence[KeyText]:
        statement = self._plan.keys.of(keys)
        try:
            with source_errors(self._database, "looking for keys"):
                async with self._database.reading() as connection:
                    fetched = await fetch(connection, statement.text, statement.values)
        except Unfit as error:
            # For one of them the server refuses all; a single one is not there.
            half = len(keys) // 2
            if not half and not error.is_about(keys[0]):
                raise
            return [*await self._find(keys[:half]), *await self._find(keys[half:])] if half else []
        return self._plan.shape.keys(fetched.rows)

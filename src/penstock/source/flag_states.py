"""What the flags of some rows say now, whoever set them."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.database.connect import Database
from penstock.database.fetch import fetch
from penstock.rows import Key, KeyText, decode_keys, encode_key
from penstock.source.failures import source_errors
from penstock.source.flag_statements import Write, find_unset
from penstock.source.flag_table import FlagTable
from penstock.source.keyset import chunks
from penstock.source.statements import flagged_rows


class FlagStates:
    """Raises SourceUnreachable for what may pass, JobError for what will not."""

    def __init__(self, database: Database, flag: FlagTable) -> None:
        self._database = database
        self._flag = flag
        self._set = flagged_rows(flag.dialect, flag.sql, flag.is_set, flag.key)

    async def set_among(self, keys: Sequence[KeyText]) -> frozenset[KeyText]:
        """Those of the keys whose flag is set."""
        return await self._ask(keys, [Write(*self._set.of(some)) for some in self._chunks(keys)])

    async def unset_among(self, keys: Sequence[KeyText]) -> frozenset[KeyText]:
        """Those of the keys whose row is in the flag's table, and its flag not set."""
        return await self._ask(keys, [find_unset(self._flag, some) for some in self._chunks(keys)])

    def _chunks(self, keys: Sequence[KeyText]) -> list[Sequence[Key]]:
        return list(chunks(decode_keys(keys), len(self._flag.key)))

    async def _ask(self, keys: Sequence[KeyText], statements: Sequence[Write]) -> frozenset[KeyText]:
        found: set[KeyText] = set()
        for statement in statements:
            with source_errors(self._database, "reading flags"):
                async with self._database.reading() as connection:
                    rows = (await fetch(connection, statement.text, statement.values)).rows
            found.update(encode_key(row) for row in rows)
        return frozenset(found.intersection(keys))

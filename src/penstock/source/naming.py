"""When two names mean the same table: a database says where tables without a schema are, and whether case matters."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.fetch import fetch
from penstock.source.dialect import POSTGRESQL, SQLITE, Dialect
from penstock.source.origin import Table


class Naming(NamedTuple):
    """home: the schema of a table that is named without one."""

    home: str
    ignores_case: bool

    def is_same(self, one: Table, other: Table) -> bool:
        return self._folded(one) == self._folded(other)

    def _folded(self, table: Table) -> tuple[str, str]:
        full = table.schema or self.home, table.name
        return (full[0].lower(), full[1].lower()) if self.ignores_case else full


async def read_naming(connection: AsyncConnection, dialect: Dialect) -> Naming:
    """(PostgreSQL's names without quotes are in small letters by the time they are compared.) Raises DATABASE_ERRORS."""
    if dialect == SQLITE:
        return Naming("main", ignores_case=True)
    if dialect == POSTGRESQL:
        [(schema,)] = (await fetch(connection, "SELECT current_schema()")).rows
        return Naming(str(schema or ""), ignores_case=False)
    [(schema, lowers)] = (await fetch(connection, "SELECT DATABASE(), @@lower_case_table_names")).rows
    return Naming(str(schema or ""), ignores_case=lowers != 0)

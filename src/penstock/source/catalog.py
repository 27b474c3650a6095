"""What the database's own catalogue says of tables: their columns and what these are declared as."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.fetch import fetch
from penstock.source import postgresql_catalog
from penstock.source.dialect import POSTGRESQL, SQLITE, Dialect
from penstock.source.origin import Origin, Table


class TableColumn(NamedTuple):
    """declared: as in CREATE TABLE, "decimal(10,2)". extra: what MySQL adds, "on update current_timestamp()".
    is_generated: the database alone says what it holds."""

    name: str
    declared: str
    is_nullable: bool
    extra: str = ""
    is_json: bool = False
    is_generated: bool = False


# Views are there too; names that are no table (those of WITH) are missing.
Catalog: TypeAlias = Mapping[Table, Mapping[str, TableColumn]]

# A condition a table, not (a, b) IN (...): information_schema opens every table of the server for what it cannot narrow down.
_MYSQL_TABLE = "(table_schema = COALESCE(NULLIF(%s, ''), DATABASE()) AND table_name = %s)"
_MYSQL_COLUMNS = "SELECT column_name, column_type, is_nullable, extra FROM information_schema.columns WHERE "
# MariaDB keeps JSON as text with this check.
_MARIADB_JSON = (
    "SELECT check_clause FROM information_schema.check_constraints"
    " WHERE constraint_schema = COALESCE(NULLIF(%s, ''), DATABASE()) AND table_name = %s"
)
_JSON_CHECK = re.compile(r"\(?json_valid\(`((?:[^`]|``)+)`\)\)?", re.IGNORECASE)
# "virtual generated"; MySQL's "default_generated" is a column like any other.
_MYSQL_GENERATED = ("virtual", "stored", "persistent")
# With generated columns, which are 2 and 3; hidden = 1 are those that virtual tables keep to themselves.
_SQLITE_COLUMNS = 'SELECT name, type, "notnull", hidden > 1, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1'
_SQLITE_COLUMNS_IN_SCHEMA = (
    'SELECT name, type, "notnull", hidden > 1, pk FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1'
)


async def read_catalog(connection: AsyncConnection, dialect: Dialect, tables: Collection[Table]) -> Catalog:
    read = {SQLITE: _sqlite_columns, POSTGRESQL: _postgresql_columns}.get(dialect, _mysql_columns)
    found = {table: await read(connection, table) for table in sorted(tables)}
    return {table: columns for table, columns in found.items() if columns}


def declared_column(catalog: Catalog, origin: Origin | None) -> TableColumn | None:
    """The table column behind a column of the query, if it is known."""
    return None if origin is None else catalog.get(origin.table, {}).get(origin.column.lower())


async def is_mariadb(connection: AsyncConnection) -> bool:
    [(version,)] = (await fetch(connection, "SELECT VERSION()")).rows
    return "mariadb" in str(version).lower()


async def _mysql_columns(connection: AsyncConnection, table: Table) -> Mapping[str, TableColumn]:
    rows = (await fetch(connection, _MYSQL_COLUMNS + _MYSQL_TABLE, table)).rows
    # Only text columns can be JSON in disguise, and only MariaDB has the check in that place.
    texts = {str(name).lower() for name, declared, *_ in rows if "text" in str(declared).lower()}
    json = await _mariadb_json(connection, table) if texts and await is_mariadb(connection) else frozenset[str]()
    return {
        str(name).lower(): TableColumn(
            str(name),
            str(declared),
            nullable == "YES",
            str(extra).lower(),
            is_json=str(name).lower() in json,
            is_generated=str(extra).lower().startswith(_MYSQL_GENERATED),
        )
        for name, declared, nullable, extra in rows
    }


async def _mariadb_json(connection: AsyncConnection, table: Table) -> frozenset[str]:
    clauses = (await fetch(connection, _MARIADB_JSON, table)).rows
    matches = [_JSON_CHECK.fullmatch(str(clause)) for (clause,) in clauses]
    return frozenset(match[1].replace("``", "`").lower() for match in matches if match)


async def _postgresql_columns(connection: AsyncConnection, table: Table) -> Mapping[str, TableColumn]:
    columns = await postgresql_catalog.table_columns(connection, table)
    times = Counter(name.lower() for name, *_ in columns)
    return {
        name.lower(): TableColumn(name, declared, not is_required, is_generated=is_generated)
        for name, declared, is_required, is_generated in columns
        if times[name.lower()] == 1  # of two that differ by nothing but case, none is taken for the other
    }


async def _sqlite_columns(connection: AsyncConnection, table: Table) -> Mapping[str, TableColumn]:
    if table.schema:
        rows = (await fetch(connection, _SQLITE_COLUMNS_IN_SCHEMA, (table.name, table.schema))).rows
    else:
        rows = (await fetch(connection, _SQLITE_COLUMNS, (table.name,))).rows
    parts = sum(bool(part) for *_, part in rows)
    return {
        # A PRIMARY KEY may be NULL in SQLite, unless it is the row's own number.
        str(name).lower(): TableColumn(
            str(name),
            str(declared),
            not (not_null or (part and parts == 1 and str(declared).upper() == "INTEGER")),
            is_generated=bool(is_generated),
        )
        for name, declared, not_null, is_generated, part in rows
    }

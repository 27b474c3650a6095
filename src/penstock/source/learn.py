"""Asks the database what columns the query gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.fetch import mysql_fields, postgresql_fields, result_columns
from penstock.source import mysql_types, postgresql_types, sqlite_types
from penstock.source.catalog import Catalog, TableColumn, declared_column
from penstock.source.columns import Column, ColumnKind, Converter, TypeRules
from penstock.source.dialect import MYSQL, POSTGRESQL, SQLITE, Dialect
from penstock.source.origin import Origin, origins_of
from penstock.source.postgresql_catalog import server_types
from penstock.source.statement import Statement

# What SQLite calls the second of two columns with one name.
_SECOND = re.compile(r"(.+):\d+")
_CONVERTERS = {
    MYSQL: mysql_types.converter_of,
    POSTGRESQL: postgresql_types.converter_of,
    SQLITE: sqlite_types.converter_of,
}


async def learn_columns(
    connection: AsyncConnection, dialect: Dialect, statement: Statement, catalog: Catalog
) -> tuple[Sequence[Column], Mapping[str, Origin]]:
    """The columns, and for those that a table's column stands behind, which. Runs the query for no rows."""
    text = f"SELECT * FROM (\n{dialect.verbatim(statement.text)}\n) AS penstock_q LIMIT 0"
    if dialect == SQLITE:
        names = _told_apart(await result_columns(connection, text))
        origins = _origins(statement, names, catalog)
        return [_sqlite_column(name, catalog, origins.get(name)) for name in names], origins
    if dialect == POSTGRESQL:
        return await _postgresql_columns(connection, text, statement, catalog)
    fields = await mysql_fields(connection, text)
    origins = _origins(statement, [field.name for field in fields], catalog)
    declared = {field.name: declared_column(catalog, origins.get(field.name)) for field in fields}
    return [mysql_types.column_of(field, declared[field.name]) for field in fields], origins


def converters_of(dialect: Dialect, columns: Sequence[Column], rules: TypeRules) -> Mapping[int, Converter]:
    """By column number; columns whose values need no change are missing."""
    converter_of = _CONVERTERS[dialect]
    converters = {at: converter_of(column, rules) for at, column in enumerate(columns)}
    return {at: converter for at, converter in converters.items() if converter is not None}


def key_converters_of(dialect: Dialect, key: Sequence[Column]) -> Mapping[int, Converter]:
    """By position in the key: for columns where the driver's value is not what names the row."""
    is_stored_as_number = [dialect == SQLITE and column.kind is ColumnKind.DECIMAL for column in key]
    return {at: sqlite_types.decimal_key for at, stored in enumerate(is_stored_as_number) if stored}


def _origins(statement: Statement, names: Sequence[str], catalog: Catalog) -> Mapping[str, Origin]:
    columns = {table: frozenset(held) for table, held in catalog.items()}
    return origins_of(statement.tree, tuple(names), columns)


async def _postgresql_columns(
    connection: AsyncConnection, text: str, statement: Statement, catalog: Catalog
) -> tuple[Sequence[Column], Mapping[str, Origin]]:
    fields = await postgresql_fields(connection, text)
    types = await server_types(connection, [oid for _, oid in fields])
    origins = _origins(statement, [name for name, _ in fields], catalog)
    columns = []
    for name, oid in fields:
        origin = origins.get(name)
        column = declared_column(catalog, origin)
        declared, nullable = (column.declared, _shows_null(column, origin)) if column else (None, None)
        columns.append(postgresql_types.column_of(name, types[oid], declared, nullable=nullable))
    return columns, origins


def _sqlite_column(name: str, catalog: Catalog, origin: Origin | None) -> Column:
    declared = declared_column(catalog, origin)
    if declared is None:
        return sqlite_types.column_of(name, None)
    return sqlite_types.column_of(name, declared.declared, not_null=not _shows_null(declared, origin))


def _shows_null(column: TableColumn, origin: Origin | None) -> bool:
    """Whether the query may show NULL for it. A MySQL server tells by itself."""
    return column.is_nullable or (origin is not None and origin.turns_null)


def _told_apart(names: Sequence[str]) -> Sequence[str]:
    return [match[1] if (match := _SECOND.fullmatch(name)) and match[1] in names else name for name in names]

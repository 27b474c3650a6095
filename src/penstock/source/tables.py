"""What the catalogue says of one table besides its columns: unique keys, size, engine, triggers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.fetch import fetch
from penstock.source import postgresql_catalog
from penstock.source.dialect import POSTGRESQL, SQLITE, Dialect
from penstock.source.origin import Table

_MYSQL_PLACE = "table_schema = COALESCE(NULLIF(%s, ''), DATABASE()) AND table_name = %s"
_MYSQL_UNIQUE = (
    f"SELECT index_name, column_name FROM information_schema.statistics WHERE non_unique = 0 AND {_MYSQL_PLACE}"
)
_MYSQL_TABLE = f"SELECT table_rows, engine FROM information_schema.tables WHERE {_MYSQL_PLACE}"
_MYSQL_TRIGGERS = (
    "SELECT trigger_name FROM information_schema.triggers WHERE event_manipulation = 'UPDATE'"
    " AND event_object_schema = COALESCE(NULLIF(%s, ''), DATABASE()) AND event_object_table = %s"
)
_MYSQL_COMMENT = f"SELECT column_comment FROM information_schema.columns WHERE {_MYSQL_PLACE} AND column_name = %s"


async def unique_keys(connection: AsyncConnection, dialect: Dialect, table: Table) -> Sequence[frozenset[str]]:
    """The columns, in lower case, of each unique index; expressions and parts of tables left out."""
    if dialect == SQLITE:
        return await _sqlite_unique_keys(connection, table)
    if dialect == POSTGRESQL:
        return await postgresql_catalog.unique_keys(connection, table)
    indexes: defaultdict[str, set[str]] = defaultdict(set)
    for index, column in (await fetch(connection, _MYSQL_UNIQUE, table)).rows:
        indexes[str(index)].add(str(column).lower())  # an index on an expression has the column "none"
    return [frozenset(columns) for columns in indexes.values()]


async def estimated_rows(connection: AsyncConnection, dialect: Dialect, table: Table) -> int | None:
    """SQLite keeps no estimate: there the rows are counted, which an index makes quick."""
    if dialect == SQLITE:
        [(count,)] = (await fetch(connection, f"SELECT COUNT(*) FROM {dialect.quote_path(*table)}")).rows
        return int(str(count))
    if dialect == POSTGRESQL:
        return await postgresql_catalog.estimated_rows(connection, table)
    rows = (await fetch(connection, _MYSQL_TABLE, table)).rows
    return int(str(rows[0][0])) if rows and rows[0][0] is not None else None


async def table_engine(connection: AsyncConnection, dialect: Dialect, table: Table) -> str:
    """ "InnoDB"; "" for views, and where tables have no engine of their own."""
    if dialect in (SQLITE, POSTGRESQL):
        return ""
    rows = (await fetch(connection, _MYSQL_TABLE, table)).rows
    return str(rows[0][1]) if rows and rows[0][1] is not None else ""


async def update_triggers(
    connection: AsyncConnection, dialect: Dialect, table: Table, written: Sequence[str]
) -> tuple[str, ...]:
    """Names of triggers that an UPDATE of these columns sets off. MySQL shows them only to users with the TRIGGER right."""
    if dialect == POSTGRESQL:
        return await postgresql_catalog.update_triggers(connection, table, written)
    if dialect == SQLITE:
        text = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND lower(tbl_name) = lower(?)"
        rows = (await fetch(connection, text, (table.name,))).rows
        return tuple(str(name) for name, sql in rows if "UPDATE" in str(sql).upper())
    return tuple(str(name) for (name,) in (await fetch(connection, _MYSQL_TRIGGERS, table)).rows)


async def has_mark(connection: AsyncConnection, dialect: Dialect, table: Table, column: str, mark: str) -> bool:
    """Whether `prepare` left its mark on the column: a comment, or the name of a CHECK on SQLite, which knows no comments."""
    if dialect == POSTGRESQL:
        return await postgresql_catalog.has_mark(connection, table, column, mark)
    if dialect == SQLITE:
        # Of this column: another job may have a flag of its own in the same table.
        text = "SELECT instr(lower(sql), lower(?)) FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower(?)"
        check = f"CONSTRAINT {mark} CHECK ({dialect.quote(column)} "
        return any(place for (place,) in (await fetch(connection, text, (check, table.name))).rows)
    rows = (await fetch(connection, _MYSQL_COMMENT, (*table, column))).rows
    return any(mark in str(comment) for (comment,) in rows)


async def _sqlite_unique_keys(connection: AsyncConnection, table: Table) -> Sequence[frozenset[str]]:
    text = (
        "SELECT l.name, i.name FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i"
        ' WHERE l."unique" AND NOT l.partial'
    )
    indexes: defaultdict[str, set[str]] = defaultdict(set)
    for index, column in (await fetch(connection, text, (table.name,))).rows:
        indexes[str(index)].add(str(column).lower())
    # The row's own number is a key without an index; an INTEGER that is part of a PRIMARY KEY is none.
    parts = (await fetch(connection, "SELECT name, type FROM pragma_table_info(?) WHERE pk", (table.name,))).rows
    own = [frozenset({str(name).lower()}) for name, declared in parts if str(declared).upper() == "INTEGER"]
    keys = [frozenset(columns) for columns in indexes.values()]
    return [*keys, *own] if len(parts) == 1 else keys

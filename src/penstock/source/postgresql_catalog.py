"""What PostgreSQL's catalogue says of tables and types. Tables without a schema are looked for along the search_path, as the
query's own are; views and partitioned tables are tables too."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.fetch import fetch
from penstock.source.dialect import POSTGRESQL
from penstock.source.origin import Table

# By way of JSON: before PostgreSQL 12 and 10 the catalogue has no such columns.
_COLUMNS = (
    "SELECT attname, format_type(atttypid, atttypmod), attnotnull,"
    " to_jsonb(a) ->> 'attgenerated' <> '' IS TRUE OR to_jsonb(a) ->> 'attidentity' = 'a' IS TRUE FROM pg_attribute AS a"
    " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
# A table that others inherit from shows their rows too, which its indexes know nothing of. indkey ends with INCLUDEd columns.
_UNIQUE = (
    "SELECT i.indexrelid, a.attname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid"
    " CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)"
    " JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
    " WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL"
    " AND k.place <= i.indnkeyatts AND NOT (c.relkind = 'r' AND c.relhassubclass)"
)
# 16: of an UPDATE. tgattr: UPDATE OF these columns, empty for all.
_TRIGGERS = (
    "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass($1) AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 16 > 0"
    " AND (cardinality(tgattr::int2[]) = 0 OR EXISTS (SELECT 1 FROM pg_attribute"
    " WHERE attrelid = tgrelid AND attnum = ANY (tgattr::int2[]) AND attname = ANY ($2))) ORDER BY tgname"
)
_COMMENT = (
    "SELECT col_description(attrelid, attnum) FROM pg_attribute"
    " WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped"
)
# For this user: owners and superusers see everything, unless the table says FORCE.
_ROW_SECURITY = "SELECT row_security_active(to_regclass($1))"
# What others do is shown to users with the right to see it (pg_read_all_stats); who they are to everybody.
_HOLDERS = (
    "SELECT a.pid, a.usename, a.application_name, a.state, EXTRACT(epoch FROM clock_timestamp() - a.xact_start)::int"
    " FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid"
    " WHERE l.relation = to_regclass($1) AND l.granted AND l.pid <> pg_backend_pid() ORDER BY a.xact_start LIMIT 3"
)
_TYPES = (
    "SELECT t.oid, n.nspname, t.typname, t.typtype, e.typname, e.typtype, m.nspname FROM pg_type AS t"
    " JOIN pg_namespace AS n ON n.oid = t.typnamespace"
    " LEFT JOIN pg_type AS e ON e.oid = t.typelem AND t.typcategory = 'A'"
    " LEFT JOIN pg_namespace AS m ON m.oid = e.typnamespace WHERE t.oid = ANY ($1)"
)


class ServerType(NamedTuple):
    """A row of pg_type. kind: e (enum), b (base), c (composite), r (range) ...; element: the type of an array's elements.
    schema: "pg_catalog" for the server's own types."""

    schema: str
    name: str
    kind: str
    element: ServerType | None = None


def named(table: Table) -> str:
    """As to_regclass takes it."""
    return POSTGRESQL.quote_path(*table)


async def table_columns(connection: AsyncConnection, table: Table) -> Sequence[tuple[str, str, bool, bool]]:
    """Of each column its name, its type as in CREATE TABLE, whether it is NOT NULL, and whether it is GENERATED ALWAYS."""
    rows = (await fetch(connection, _COLUMNS, (named(table),))).rows
    return [(str(name), str(declared), bool(required), bool(generated)) for name, declared, required, generated in rows]


async def unique_keys(connection: AsyncConnection, table: Table) -> Sequence[frozenset[str]]:
    indexes: defaultdict[object, set[str]] = defaultdict(set)
    for index, column in (await fetch(connection, _UNIQUE, (named(table),))).rows:
        indexes[index].add(str(column).lower())
    return [frozenset(columns) for columns in indexes.values()]


async def estimated_rows(connection: AsyncConnection, table: Table) -> int | None:
    """The planner's own estimate, which follows the table's size and holds for partitions and views as well."""
    [(plan,)] = (await fetch(connection, f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {named(table)}")).rows
    return int(json.loads(str(plan))[0]["Plan"]["Plan Rows"])


async def update_triggers(connection: AsyncConnection, table: Table, written: Sequence[str]) -> tuple[str, ...]:
    """written: the columns that the UPDATE names."""
    return tuple(str(name) for (name,) in (await fetch(connection, _TRIGGERS, (named(table), list(written)))).rows)


async def hides_rows(connection: AsyncConnection, table: Table) -> bool:
    """Whether policies (row-level security) say which rows this user sees and may change."""
    [(is_active,)] = (await fetch(connection, _ROW_SECURITY, (named(table),))).rows
    return bool(is_active)


async def has_mark(connection: AsyncConnection, table: Table, column: str, mark: str) -> bool:
    rows = (await fetch(connection, _COMMENT, (named(table), column))).rows
    return any(mark in str(comment) for (comment,) in rows)


async def lock_holders(connection: AsyncConnection, table: Table) -> Sequence[str]:
    """Sessions with an open transaction that has used the table, the oldest first."""
    words = []
    for pid, user, application, state, seconds in (await fetch(connection, _HOLDERS, (named(table),))).rows:
        known = [str(part) for part in (application, state) if part]
        known += [f"for {seconds} s"] if seconds is not None else []
        words.append(f"session {pid} of {user}" + (f" ({', '.join(known)})" if known else ""))
    return words


async def server_types(connection: AsyncConnection, oids: Sequence[int]) -> Mapping[int, ServerType]:
    """By oid. Of domains the server shows the base type."""
    rows = (await fetch(connection, _TYPES, (list(oids),))).rows
    return {
        int(str(oid)): ServerType(
            str(schema),
            str(name),
            _text(kind),
            ServerType(str(of_schema), str(of_name), _text(of_kind)) if of_name is not None else None,
        )
        for oid, schema, name, kind, of_name, of_kind, of_schema in rows
    }


def _text(letter: object) -> str:
    """The server's one-letter type "char" comes as bytes."""
    return letter.decode() if isinstance(letter, bytes) else str(letter)

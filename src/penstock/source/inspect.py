"""Finds out what `check` and `prepare` want to know. Writes nothing; reads little."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlglot.tokenizer_core import TokenType

from penstock.database.connect import Database
from penstock.database.fetch import fetch
from penstock.rows import decode_key
from penstock.source.catalog import declared_column
from penstock.source.columns import NUMBERED, Column, ColumnKind
from penstock.source.dialect import POSTGRESQL, SQLITE, Dialect
from penstock.source.explain import explain_page
from penstock.source.facts import ServerFacts, SourceFacts
from penstock.source.failures import source_errors
from penstock.source.inspect_flag import inspect_flag
from penstock.source.open import Findings, look_at, make_plan
from penstock.source.origin import Table
from penstock.source.page_plan import PagePlan
from penstock.source.plan import Plan
from penstock.source.postgresql_catalog import hides_rows
from penstock.source.reader import SqlSource
from penstock.source.refusals import refuse_columns
from penstock.source.statement import Statement
from penstock.source.tables import estimated_rows, unique_keys
from penstock.spec.models import Job

PAGE = 1000
MOST_TWINS = 10
# What shows a moment as the session's wall clock.
_ZONE_FUNCTIONS = ("FROM_UNIXTIME", "NOW", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "SYSDATE", "CURDATE")
# NOW() there is a moment.
_POSTGRESQL_ZONE_FUNCTIONS = ("LOCALTIME", "LOCALTIMESTAMP", "CURRENT_DATE", "CURRENT_TIME")
# The server's or the user's own setting, whatever this session has made of it.
_POSTGRESQL_SERVER = (
    "SELECT current_setting('server_version'), current_setting('server_version_num'), pg_is_in_recovery() OR EXISTS"
    " (SELECT 1 FROM pg_settings WHERE name = 'default_transaction_read_only' AND reset_val = 'on')"
)
_LONGEST_NUMBER = 22


async def inspect_server(connection: AsyncConnection, dialect: Dialect) -> ServerFacts:
    if dialect == SQLITE:
        [(version,)] = (await fetch(connection, "SELECT sqlite_version()")).rows
        return ServerFacts("SQLite", str(version), _numbers(str(version)), is_read_only=False)
    if dialect == POSTGRESQL:
        [(version, number, read_only)] = (await fetch(connection, _POSTGRESQL_SERVER)).rows
        major, minor = divmod(int(str(number)), 10_000)
        return ServerFacts("PostgreSQL", str(version), (major, minor), is_read_only=bool(read_only))
    [(version, read_only)] = (await fetch(connection, "SELECT VERSION(), @@global.read_only")).rows
    text = str(version)
    product = "MariaDB" if "mariadb" in text.lower() else "MySQL"
    return ServerFacts(product, text, _numbers(text), is_read_only=str(read_only) in ("1", "ON"))


async def inspect_source(job: Job, database: Database) -> SourceFacts:
    """Works without the flag column, so that `prepare` may be told to add it. Raises JobError for a query, key or types that
    no run could use, and SourceUnreachable."""
    found = await look_at(job, database)
    refuse_columns(job, found.columns, found.dialect)
    plan = await make_plan(job, database, found, None)
    table = _key_table(job, found)
    of_key = [next(column for column in found.columns if column.name == name) for name in job.source.key]
    bounds = await _bounds(SqlSource(database, plan, ""))
    with source_errors(database, "looking at the source"):
        async with database.reading() as connection:
            server = await inspect_server(connection, found.dialect)
            uniques = await unique_keys(connection, found.dialect, table) if table else ()
            estimate = await estimated_rows(connection, found.dialect, table) if table else None
            hiding = [table for table in found.catalog if await _hides_rows(connection, found.dialect, table)]
            page, walk = await _plans(connection, plan, found, bounds) if bounds else (None, None)
        flag = await inspect_flag(job, database, found)
    return SourceFacts(
        server=server,
        columns=found.columns,
        key=job.source.key,
        key_table=table,
        key_is_unique=True if table and _covers(job, found, uniques) else None,
        key_may_be_null=plan.may_lack_key,
        is_inside=plan.rows.frame.is_inside,
        page=page,
        walk=walk,
        estimated_rows=estimate,
        longest_key=longest_key(of_key),
        zone_functions=zone_functions(found.statement, found.dialect),
        flag=flag,
        row_security=tuple(sorted(map(str, hiding))),
    )


async def _hides_rows(connection: AsyncConnection, dialect: Dialect, table: Table) -> bool:
    return dialect == POSTGRESQL and await hides_rows(connection, table)


async def find_twins(job: Job, database: Database) -> Sequence[str]:
    """Keys that more than one row of the query has, a few of them (`check --deep`). Reads the whole query once."""
    found = await look_at(job, database)
    refuse_columns(job, found.columns, found.dialect)
    quote, verbatim = found.dialect.quote, found.dialect.verbatim
    key = ", ".join(verbatim(quote(name)) for name in job.source.key)
    text = (
        f"SELECT {key} FROM (\n{verbatim(found.statement.text)}\n) AS penstock_q"
        f" GROUP BY {key} HAVING COUNT(*) > 1 LIMIT {MOST_TWINS}"
    )
    with source_errors(database, "looking for keys that are not unique"):
        async with database.reading(seconds=24 * 3600) as connection:
            rows = (await fetch(connection, text)).rows
    return [", ".join("NULL" if value is None else str(value) for value in row) for row in rows]


def longest_key(columns: Sequence[Column]) -> int | None:
    """Characters of the longest key text; escapes in texts are not counted."""
    sizes = [_longest(column) for column in columns]
    if any(size is None for size in sizes):
        return None
    return sum(size or 0 for size in sizes) + (len(sizes) + 1 if len(sizes) > 1 else 0)


def zone_functions(statement: Statement, dialect: Dialect) -> tuple[str, ...]:
    telling = {SQLITE: (), POSTGRESQL: _POSTGRESQL_ZONE_FUNCTIONS}.get(dialect, _ZONE_FUNCTIONS)
    words = {
        token.text.upper()
        for token in statement.tokens
        if token.token_type not in (TokenType.STRING, TokenType.IDENTIFIER)
    }
    return tuple(name for name in telling if name in words)


def _longest(column: Column) -> int | None:
    match column.kind:
        case ColumnKind.TEXT:
            # The protocol counts four bytes a character.
            return None if column.most_bytes is None else column.most_bytes // 4 + 2
        case ColumnKind.BYTES:
            return None if column.most_bytes is None else 2 * column.most_bytes + 12
        case ColumnKind.STORED:
            return None
        case ColumnKind.DECIMAL:
            return (column.most_bytes or 65) + 3
        case kind if kind in NUMBERED or kind is ColumnKind.INTEGER:
            return _LONGEST_NUMBER
        case _:
            return 45  # {"datetime":"2024-01-31T00:00:00.000000"}


def _numbers(version: str) -> tuple[int, ...]:
    # Some MariaDB servers say 5.5.5- in front of what they are.
    found = [tuple(int(part) for part in match) for match in re.findall(r"(\d+)\.(\d+)\.(\d+)", version)]
    return max(found, default=(0, 0, 0))


def _key_table(job: Job, found: Findings) -> Table | None:
    origins = [found.origins.get(name) for name in job.source.key]
    tables = {origin.table for origin in origins if origin is not None}
    return next(iter(tables)) if len(tables) == 1 and None not in origins else None


def _covers(job: Job, found: Findings, uniques: Sequence[frozenset[str]]) -> bool:
    """Whether a unique index has no column that the key has not, and none that may be NULL."""
    origins = [found.origins[name] for name in job.source.key]
    declared = [declared_column(found.catalog, origin) for origin in origins]
    names = {column.name.lower() for column in declared if column is not None and not column.is_nullable}
    return any(unique <= names for unique in uniques)


async def _bounds(source: SqlSource) -> tuple[str, str] | None:
    """A span as the engine plans them, not the first one."""
    first = await source.next_keys(None, 1)
    last = await source.next_keys(first.last, PAGE) if first.last is not None else first
    return (first.last, last.last) if first.last is not None and last.last is not None else None


async def _plans(
    connection: AsyncConnection, plan: Plan, found: Findings, bounds: tuple[str, str]
) -> tuple[PagePlan, PagePlan]:
    after, upto = (decode_key(key) for key in bounds)
    page = await explain_page(connection, found.dialect, plan.rows.page(after, upto, PAGE))
    walk = await explain_page(connection, found.dialect, plan.walk.page(after, None, PAGE))
    return page, walk

"""Finds out how a job's source is to be read, and refuses what could not be read rightly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from zoneinfo import ZoneInfo

from penstock.database.connect import Database
from penstock.source.catalog import Catalog, read_catalog
from penstock.source.choosing import choose_readings, first_that_runs
from penstock.source.columns import NUMBERED, Column, ColumnKind, TypeRules
from penstock.source.dialect import POSTGRESQL, Dialect, dialect_of
from penstock.source.failures import source_errors
from penstock.source.flag_in_query import refuse_flag_in_conditions
from penstock.source.flag_key import flag_key
from penstock.source.flag_table import FlagTable, Locking, flag_table, own_columns, parse_table, read_locking
from penstock.source.learn import converters_of, key_converters_of, learn_columns
from penstock.source.naming import Naming, read_naming
from penstock.source.origin import Origin, tables_of
from penstock.source.own_table import own_table
from penstock.source.plan import Plan
from penstock.source.reader import MOST_BYTES, MOST_ROWS, SqlSource
from penstock.source.refusals import refuse_columns
from penstock.source.shape import Shape
from penstock.source.statement import Statement, parse_statement
from penstock.source.statements import (
    NUMBERS,
    Reading,
    flagged_rows,
    key_positions,
)
from penstock.source.tables import unique_keys
from penstock.spec.models import Job


@dataclass(frozen=True, slots=True)
class Findings:
    """What the database says of the query, before anything is decided. flag_key: the key's columns in the flag's table."""

    dialect: Dialect
    statement: Statement
    columns: Sequence[Column]
    origins: Mapping[str, Origin]
    catalog: Catalog
    naming: Naming
    flag_key: tuple[str, ...]
    locking: Locking
    flag_uniques: Sequence[frozenset[str]]


async def open_source(job: Job, database: Database, *, with_flag: bool = True) -> SqlSource:
    """with_flag=False: to look at rows before `prepare` has added the flag.

    Raises JobError for a query, key, flag or types that cannot be delivered rightly; SourceUnreachable.
    """
    found = await look_at(job, database)
    refuse_columns(job, found.columns, found.dialect)
    flag = (
        flag_table(job, found.dialect, found.columns, found.catalog, found.flag_key, found.locking, found.flag_uniques)
        if with_flag
        else None
    )
    plan = await make_plan(job, database, found, flag)
    source = SqlSource(database, plan, _identity(job, database, found))
    if plan.may_lack_key:
        await source.refuse_rows_without_key()
    return source


async def look_at(job: Job, database: Database) -> Findings:
    """Raises JobError for a query that is no single SELECT, or that the database refuses."""
    dialect = dialect_of(database.kind)
    statement = parse_statement(job.source.query, dialect)
    refuse_flag_in_conditions(statement.tree, job.source.flag, dialect)
    tables = tables_of(statement.tree)
    flag = job.source.flag
    with source_errors(database, "looking at the query"):
        async with database.reading() as connection:
            catalog = await read_catalog(
                connection, dialect, tables if flag is None else tables | {parse_table(flag.table, dialect)}
            )
            columns, origins = await learn_columns(connection, dialect, statement, catalog)
            held = {table: frozenset(names) for table, names in catalog.items()}
            shown = {column.name for column in columns}
            key = [name for name in job.source.key if name in shown]  # `refuse_columns` tells of the others
            naming = await read_naming(connection, dialect)
            # A table that is not there is told of by `flag_table`.
            is_there = flag is not None and parse_table(flag.table, dialect) in catalog
            of_flag = flag_key(flag, key, statement.tree, held, dialect, naming) if flag and is_there else ()
            locking = (
                Locking() if flag is None else await read_locking(connection, dialect, parse_table(flag.table, dialect))
            )
            uniques = () if flag is None else await unique_keys(connection, dialect, parse_table(flag.table, dialect))
    return Findings(dialect, statement, columns, origins, catalog, naming, of_flag, locking, uniques)


async def make_plan(job: Job, database: Database, found: Findings, flag: FlagTable | None) -> Plan:
    dialect, columns, key = found.dialect, found.columns, job.source.key
    of_key = [next(column for column in columns if column.name == name) for name in key]
    rows, keys = await choose_readings(database, dialect, found.statement, columns, of_key)
    table = own_table(dialect, found.catalog, found.origins, of_key)
    walk = await first_that_runs(database, [*([table] if table else []), keys])
    zone = ZoneInfo(job.source.timezone) if job.source.timezone else None
    rules = TypeRules(zone, zero_dates_are_null=job.source.zero_dates == "null")
    sizes = [column.most_bytes for column in columns]
    return Plan(
        columns=columns,
        key=key,
        shape=Shape(
            key,
            key_positions(columns, key),
            len(columns),
            converters_of(dialect, columns, rules),
            key_converters_of(dialect, of_key),
        ),
        rows=rows,
        keys=keys,
        walk=walk,
        flagged=_flagged_before(job, flag, dialect),
        walks_flags=walk is not keys and flag is not None and _is_keyed_alike(flag, found, of_key, walk),
        flag=flag,
        numbers=NUMBERS[: sum(column.kind in NUMBERED for column in of_key)],
        own=own_columns(job.source.flag, columns, found.origins, dialect, found.naming)
        if job.source.flag
        else frozenset(),
        is_wide=any(size is None for size in sizes) or sum(size or 0 for size in sizes) * MOST_ROWS > MOST_BYTES,
        may_lack_key=any(column.nullable is not False for column in of_key),
    )


def _flagged_before(job: Job, flag: FlagTable | None, dialect: Dialect) -> Reading | None:
    if flag is None or job.source.flag is None or job.source.flag.existing == "ignore":
        return None
    return flagged_rows(dialect, flag.sql, flag.is_set, flag.key)


def _is_keyed_alike(flag: FlagTable, found: Findings, key: Sequence[Column], walk: Reading) -> bool:
    """Whether the flag's table is the key's own table for certain, and its rows are found by the very numbers that are walked.
    (No texts: two keys of one collation may lie elsewhere in another.)"""
    [first, *others] = key
    is_number = not others and first.kind is ColumnKind.INTEGER
    return is_number and flag.table == found.origins[first.name].table and flag.key == walk.frame.keys


def _identity(job: Job, database: Database, found: Findings) -> str:
    """Of the server's address and the key's own table; of all tables that are read where the key comes from none alone."""
    origins = [found.origins.get(name) for name in job.source.key]
    tables = {origin.table for origin in origins if origin is not None} if None not in origins else set(found.catalog)
    family = "postgresql" if found.dialect == POSTGRESQL else found.dialect.name
    return sha256("\n".join([family, database.address, *sorted(map(str, tables))]).encode()).hexdigest()

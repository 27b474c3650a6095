"""Adds the flag column, and takes it away again. The old application goes on meanwhile: no row is touched, no lock waited for
longer than two seconds, and SELECT * and INSERT without names do not see the new column where the server can hide it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from penstock.database.connect import Database
from penstock.database.faults import DATABASE_ERRORS, Fault, explain, fault_of
from penstock.errors import JobError
from penstock.source.dialect import MYSQL, POSTGRESQL, SQLITE, dialect_of
from penstock.source.facts import FlagFacts, ServerFacts
from penstock.source.failures import source_error
from penstock.source.holders import holders_of
from penstock.source.inspect_flag import MARK
from penstock.source.origin import Table

# Of an ALTER TABLE that the server is asked for, and of the words by which it refuses.
_ALGORITHM = re.compile(r",? ?ALGORITHM=.*$")
# INSTANT too waits for a metadata lock, and while it waits, everybody else's SELECT waits behind it.
_SHORT_WAITS = {MYSQL: "SET SESSION lock_wait_timeout = 2", POSTGRESQL: "SET LOCAL lock_timeout = '2s'"}


def add_flag_sql(server: ServerFacts, flag: FlagFacts) -> Sequence[str]:
    """The statements that add the flag; none if it is there. Raises JobError if no run could set it then."""
    if not flag.exists:
        raise JobError(f"source.flag.table: there is no table {flag.table}; name the table that is to have the flag")
    if flag.declared is not None and not flag.holds_numbers:
        raise JobError(
            f"source.flag: {flag.table}.{flag.column} is {flag.declared}, which does not hold 0 and 1; "
            "name another column: source.flag.column"
        )
    if flag.missing_key:
        raise JobError(
            f"source.flag: {flag.table} has no column {', '.join(flag.missing_key)} to find a row by; name the key's columns "
            f"there: flag: {{table: {flag.table}, key: ...}}"
        )
    if flag.declared is not None:
        return ()
    if not flag.has_unique_key:
        raise JobError(
            f"source.flag: no unique index of {flag.table} finds a row by the key, so that a flag could be set for rows that "
            "were never sent; name the unique columns: source.flag.key, add such an index, or name the table where this is a view"
        )
    if flag.missing_set:
        raise JobError(
            f"source.flag.set: {flag.table} has no column {', '.join(flag.missing_set)}; leave it out, or add it there"
        )
    for name in flag.overwritten:
        raise JobError(
            f"source.flag.set: {flag.table}.{name} is the flag or names the row that is flagged; leave it out"
        )
    table, column = _names(server, flag)
    if server.product == "SQLite":
        check = f"CONSTRAINT {MARK} CHECK ({column} IN (0, 1))"
        return (f"ALTER TABLE {table} ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0 {check}",)
    if server.product == "PostgreSQL":
        return (
            f"ALTER TABLE {table} ADD COLUMN {column} SMALLINT{_zero(server, column)}",
            f"COMMENT ON COLUMN {table}.{column} IS '{MARK}'",
        )
    hidden = " INVISIBLE" if server.knows_invisible else ""
    return (
        f"ALTER TABLE {table} ADD COLUMN {column} TINYINT NOT NULL DEFAULT 0{hidden} COMMENT '{MARK}', {_how(server)}",
    )


def drop_flag_sql(server: ServerFacts, flag: FlagFacts) -> Sequence[str]:
    """The statements that take the flag away; none if it is not there, or if somebody else made it."""
    if flag.declared is None or not flag.is_ours:
        return ()
    table, column = _names(server, flag)
    if server.product in ("SQLite", "PostgreSQL"):
        return (f"ALTER TABLE {table} DROP COLUMN {column}",)
    return (f"ALTER TABLE {table} DROP COLUMN {column}, {_how(server, drops=True)}",)


async def run_on_table(database: Database, statements: Sequence[str], table: Table) -> None:
    """Run statements of this module on their table. Raises JobError with what to run by hand if somebody holds the table (who, if
    the server tells) or the server needs to copy it; SourceUnreachable."""
    if not statements:
        return
    try:
        async with database.writing() as connection:
            dialect = dialect_of(database.kind)
            if dialect in _SHORT_WAITS:
                await connection.exec_driver_sql(_SHORT_WAITS[dialect])
            for statement in statements:
                await connection.exec_driver_sql(dialect.verbatim(statement))
    except DATABASE_ERRORS as error:
        by_hand = "; ".join(statements)
        match fault_of(error):
            case Fault.LOCKED | Fault.DEADLOCK:
                holders = await holders_of(database, table)
                raise JobError(
                    f"{holders} holds the table {table}, and penstock does not make others wait; try again, or run: {by_hand}"
                ) from error
            case Fault.LOST:
                raise source_error(error, database, "changing the table") from error
            case _ if _ALGORITHM.search(explain(error)):
                raise JobError(
                    f"the server would have to copy the table {table} ({explain(error)}), and whoever writes to it would wait; "
                    f"at a quiet time, run: {_ALGORITHM.sub('', by_hand)}"
                ) from error
            case _:
                raise JobError(f"{source_error(error, database, 'changing the table')}; or run: {by_hand}") from error


def _names(server: ServerFacts, flag: FlagFacts) -> tuple[str, str]:
    dialect = {"SQLite": SQLITE, "PostgreSQL": POSTGRESQL}.get(server.product, MYSQL)
    return dialect.quote_path(*flag.table), dialect.quote(flag.column)


def _zero(server: ServerFacts, column: str) -> str:
    """Before PostgreSQL 11 a column added with a value makes it write the whole table again: there old rows have NULL."""
    return " NOT NULL DEFAULT 0" if server.knows_instant else f", ALTER COLUMN {column} SET DEFAULT 0"


def _how(server: ServerFacts, *, drops: bool = False) -> str:
    """Refused rather than copying the table. MySQL drops a column INSTANTly from 8.0.29 on, MariaDB from 10.4."""
    since = {"MariaDB": (10, 4, 0), "MySQL": (8, 0, 29)}.get(server.product, (999,))
    instant = server.number >= since if drops else server.knows_instant
    return "ALGORITHM=INSTANT" if instant else "ALGORITHM=INPLACE, LOCK=NONE"

"""The table that has the flag: how it and its key are called there, and what writing to it means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.fetch import fetch
from penstock.errors import JobError
from penstock.source.catalog import Catalog, TableColumn
from penstock.source.columns import Column
from penstock.source.dialect import POSTGRESQL, SQLITE, Dialect
from penstock.source.keyset import KeyColumn, key_column
from penstock.source.naming import Naming
from penstock.source.origin import Origin, Table
from penstock.spec.models import Flag, Job
from penstock.spec.table_names import name_parts

_MYSQL_NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "bit", "bool", "decimal", "numeric")
_POSTGRESQL_NUMBERS = ("smallint", "integer", "bigint", "numeric", "boolean")
_LENGTH = re.compile(r"\([^)]*\)")
# By SQLite's rules of affinity: what is none of these is stored as text, as bytes or as a fraction.
_SQLITE_NUMBERS = ("int", "bool", "bit", "num", "dec")
# A view has no engine of its own.
_ENGINE = (
    "SELECT engine FROM information_schema.tables"
    " WHERE table_schema = COALESCE(NULLIF(%s, ''), DATABASE()) AND table_name = %s"
)


@dataclass(frozen=True, slots=True)
class Locking:
    """How the flag's table and server deal with locks.

    transactional: False for MyISAM and its like: what was written there stays, whatever becomes of the transaction.
    skips_locked: knows FOR UPDATE SKIP LOCKED.
    loses_all: a lock wait that times out rolls back the whole transaction, unnoticed (innodb_rollback_on_timeout).
    has_set_statement: knows SET STATEMENT ... FOR, so that how long one statement may wait takes no statements of their own.
    """

    transactional: bool = True
    skips_locked: bool = False
    loses_all: bool = False
    has_set_statement: bool = False


@dataclass(frozen=True, slots=True)
class FlagTable:
    """key: what the key's columns are called there. pinned: columns that would change by themselves with every UPDATE.
    set_to, cleared_to: what the flag becomes, as SQL. called: the columns of `flag.set` as they are called there. casts: their
    types, where the server takes no value of another one."""

    dialect: Dialect
    table: Table
    column: str
    key: tuple[KeyColumn, ...]
    pinned: tuple[str, ...] = ()
    locking: Locking = Locking()
    set_to: str = "1"
    cleared_to: str = "0"
    called: Mapping[str, str] = field(default_factory=dict)
    casts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_set(self) -> str:
        """A condition."""
        return f"{self.column_sql(self.column)} <> {self.cleared_to}"

    @property
    def sql(self) -> str:
        return self.dialect.verbatim(self.dialect.quote_path(*self.table))

    def column_sql(self, name: str) -> str:
        return self.dialect.verbatim(self.dialect.quote(self.called.get(name, name)))


def holds_numbers(dialect: Dialect, declared: str) -> bool:
    """Whether a column declared so is one for 0 and 1, and no data that a flag would overwrite."""
    if dialect == SQLITE:
        return not declared or any(word in declared.lower() for word in _SQLITE_NUMBERS)
    return declared.lower().startswith(_POSTGRESQL_NUMBERS if dialect == POSTGRESQL else _MYSQL_NUMBERS)


def parse_table(text: str, dialect: Dialect) -> Table:
    """ "orders", "legacy.orders"; quotes around a part are taken off."""
    folds = dialect == POSTGRESQL
    names = [part.name.lower() if folds and not part.is_quoted else part.name for part in name_parts(text)]
    return Table(names[-2] if len(names) > 1 else "", names[-1])


def own_columns(
    flag: Flag, columns: Sequence[Column], origins: Mapping[str, Origin], dialect: Dialect, naming: Naming
) -> frozenset[int]:
    """Where the query shows columns that penstock writes when a row is accepted: the flag, and those of `flag.set`."""
    table = parse_table(flag.table, dialect)
    written = {flag.column.lower(), *(name.lower() for name in flag.set)}
    return frozenset(
        at
        for at, column in enumerate(columns)
        if (origin := origins.get(column.name)) is not None
        and naming.is_same(origin.table, table)
        and origin.column.lower() in written
    )


def overwritten(flag: Flag, key: Sequence[str]) -> Sequence[str]:
    """Columns of `flag.set` that must keep what they hold. key: the key's columns there."""
    kept = {flag.column.lower(), *(name.lower() for name in key)}
    return [name for name in flag.set if name.lower() in kept]


async def read_locking(connection: AsyncConnection, dialect: Dialect, table: Table) -> Locking:
    """SQLite locks the whole file, and waits at BEGIN."""
    if dialect == SQLITE:
        return Locking()
    if dialect == POSTGRESQL:
        return Locking(skips_locked=True)
    [(version, loses_all)] = (await fetch(connection, "SELECT VERSION(), @@innodb_rollback_on_timeout")).rows
    engines = (await fetch(connection, _ENGINE, table)).rows
    return Locking(
        transactional=all(str(engine).lower() in ("innodb", "none") for (engine,) in engines),
        skips_locked=skips_locked(str(version)),
        loses_all=bool(loses_all),
        has_set_statement=has_set_statement(str(version)),
    )


def skips_locked(version: str) -> bool:
    """Whether a server of this version knows SKIP LOCKED: MariaDB from 10.6, MySQL from 8.0.1."""
    return _numbers(version) >= ((10, 6, 0) if _is_mariadb(version) else (8, 0, 1))


def has_set_statement(version: str) -> bool:
    """Whether a server of this version knows SET STATEMENT ... FOR: MariaDB from 10.1.2, MySQL never."""
    return _is_mariadb(version) and _numbers(version) >= (10, 1, 2)


def _is_mariadb(version: str) -> bool:
    return "mariadb" in version.lower()


def _numbers(version: str) -> tuple[int, ...]:
    """Some MariaDB servers say 5.5.5- first."""
    found = re.findall(r"(\d+)\.(\d+)\.(\d+)", version)
    return max((tuple(int(part) for part in number) for number in found), default=(0, 0, 0))


def flag_table(
    job: Job,
    dialect: Dialect,
    query_columns: Sequence[Column],
    catalog: Catalog,
    names: Sequence[str],
    locking: Locking,
    uniques: Sequence[frozenset[str]],
) -> FlagTable | None:
    """catalog: holds at least the flag's table, if it exists. names: the key's columns there (`flag_key`). uniques: its unique
    indexes. None: the job has no flag.

    Raises JobError if the table, the flag or a key column is missing, or if the key may find more than one row there.
    """
    flag = job.source.flag
    if flag is None:
        return None
    table = parse_table(flag.table, dialect)
    columns = catalog.get(table)
    if columns is None:
        raise JobError(f"source.flag.table: there is no table {table}; name the table that is to have {flag.column!r}")
    for name in names:
        if name.lower() not in columns:
            raise JobError(
                f"source.flag: the table {table} has no column {name!r} to find a row by; "
                f"name the key's columns there: flag: {{table: {table}, key: ...}}"
            )
    if flag.column.lower() not in columns:
        raise JobError(f"the table {table} has no column {flag.column!r}; run `penstock prepare FILE`")
    if not holds_numbers(dialect, columns[flag.column.lower()].declared):
        raise JobError(
            f"source.flag: {table}.{flag.column} is {columns[flag.column.lower()].declared}, which does not hold 0 and 1; "
            "name another column: source.flag.column"
        )
    if not any(unique <= {name.lower() for name in names} for unique in uniques):
        raise JobError(
            f"source.flag: no unique index of {table} finds a row by {', '.join(names)}, so that a flag could be set for rows "
            "that were never sent; name the unique columns: source.flag.key, or add such an index"
        )
    _refuse_to_set(flag, table, columns, names)
    written = {name.lower() for name in (flag.column, *flag.set)}
    column = columns[flag.column.lower()]
    is_boolean = dialect == POSTGRESQL and column.declared == "boolean"
    return FlagTable(
        dialect,
        table,
        column.name,
        tuple(
            _key_column(
                dialect, columns[name.lower()], next(column for column in query_columns if column.name == shown)
            )
            for name, shown in zip(names, job.source.key, strict=True)
        ),
        tuple(column.name for key, column in columns.items() if "on update" in column.extra and key not in written),
        locking,
        set_to="TRUE" if is_boolean else "1",
        cleared_to="FALSE" if is_boolean else "0",
        called={name: columns[name.lower()].name for name in flag.set},
        casts={name: _cast(columns[name.lower()]) for name in flag.set} if dialect == POSTGRESQL else {},
    )


def _refuse_to_set(flag: Flag, table: Table, columns: Mapping[str, TableColumn], key: Sequence[str]) -> None:
    """Raises JobError for what no UPDATE can set, or must not."""
    for name in flag.set:
        if name.lower() not in columns:
            raise JobError(f"source.flag.set: the table {table} has no column {name!r}; leave it out, or add it there")
    for name in overwritten(flag, key):
        raise JobError(f"source.flag.set: {table}.{name} is the flag or names the row that is flagged; leave it out")
    for name in (flag.column, *flag.set):
        column = columns[name.lower()]
        if column.is_generated:
            raise JobError(
                f"source.flag: {table}.{column.name} is a generated column, which the database alone sets; name another column"
            )


def _key_column(dialect: Dialect, column: TableColumn, in_query: Column) -> KeyColumn:
    """in_query: an ENUM is found by its number, unless the query has made a text of it (UNION does)."""
    return key_column(dialect.verbatim(dialect.quote(column.name)), in_query.kind, in_query.members)


def _cast(column: TableColumn) -> str:
    """Without the length: a CAST to VARCHAR(20) would cut what an assignment refuses."""
    return _LENGTH.sub("", column.declared)

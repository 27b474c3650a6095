"""Finds out what `check` and `prepare` want to know of the flag."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.database.connect import Database
from penstock.database.faults import DATABASE_ERRORS, Fault, fault_of
from penstock.source.dialect import Dialect
from penstock.source.facts import FlagFacts
from penstock.source.flag_table import holds_numbers, overwritten, parse_table
from penstock.source.open import Findings
from penstock.source.origin import Table
from penstock.source.tables import has_mark, table_engine, unique_keys, update_triggers
from penstock.spec.models import Job

# Left by `prepare` on the column that it adds: `prepare --undo` drops no other.
MARK = "penstock_flag"


async def inspect_flag(job: Job, database: Database, found: Findings) -> FlagFacts | None:
    """None: the job has no flag. Raises DATABASE_ERRORS."""
    flag = job.source.flag
    if flag is None:
        return None
    dialect, table = found.dialect, parse_table(flag.table, found.dialect)
    columns = found.catalog.get(table)
    if columns is None:
        return FlagFacts(table, flag.column, exists=False)
    key = [name.lower() for name in found.flag_key]
    column = columns.get(flag.column.lower())
    written = {flag.column.lower(), *(name.lower() for name in flag.set)}
    async with database.reading() as connection:
        uniques = await unique_keys(connection, dialect, table)
        engine = await table_engine(connection, dialect, table)
        triggers = await update_triggers(connection, dialect, table, [flag.column, *flag.set])
        is_ours = await has_mark(connection, dialect, table, flag.column, MARK)
    return FlagFacts(
        table=table,
        column=flag.column,
        exists=True,
        declared=column.declared if column else None,
        is_ours=is_ours and column is not None,
        holds_numbers=column is None or holds_numbers(dialect, column.declared),
        is_nullable=column is not None and column.is_nullable,
        is_invisible=column is not None and "invisible" in column.extra,
        engine=engine,
        triggers=triggers,
        pinned=tuple(
            other.name for name, other in columns.items() if "on update" in other.extra and name not in written
        ),
        missing_key=tuple(name for name in key if name not in columns),
        further=tuple(flag.set),
        missing_set=tuple(name for name in flag.set if name.lower() not in columns),
        has_unique_key=any(unique <= set(key) for unique in uniques),
        overwritten=tuple(overwritten(flag, key)),
        generated=tuple(other.name for name, other in columns.items() if other.is_generated and name in written),
        may_write=None
        if column is None
        else await _may_write(database, dialect, table, [columns[name].name for name in written if name in columns]),
        is_transactional=engine.lower() in ("", "innodb"),
    )


async def _may_write(database: Database, dialect: Dialect, table: Table, columns: Sequence[str]) -> bool | None:
    """An UPDATE of no row: rights are looked at before rows. None where something else was in the way."""
    names = [dialect.verbatim(dialect.quote(column)) for column in columns]
    assignments = ", ".join(f"{name} = {name}" for name in names)
    text = f"UPDATE {dialect.verbatim(dialect.quote_path(*table))} SET {assignments} WHERE 1 = 0"
    try:
        async with database.writing() as connection:
            await connection.exec_driver_sql(text)
    except DATABASE_ERRORS as error:
        match fault_of(error):
            case Fault.DENIED | Fault.READ_ONLY:
                return False
            case Fault.LOST:
                raise
            case _:
                return None
    return True

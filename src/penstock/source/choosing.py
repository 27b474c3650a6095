"""Which of several ways of reading a query the database takes."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.database.connect import Database
from penstock.database.faults import DATABASE_ERRORS, Fault, fault_of
from penstock.database.fetch import fetch
from penstock.source.columns import Column
from penstock.source.dialect import Dialect
from penstock.source.failures import SOURCE, Role, source_errors
from penstock.source.frame import Frame, KeyPlace, around, inside, keys_inside
from penstock.source.origin import named_by
from penstock.source.statement import Statement
from penstock.source.statements import Reading, reading_keys, reading_rows


async def choose_readings(
    database: Database,
    dialect: Dialect,
    statement: Statement,
    columns: Sequence[Column],
    key: Sequence[Column],
    role: Role = SOURCE,
) -> tuple[Reading, Reading]:
    """The best ways to read whole rows, and keys alone. Raises as `source_errors` does."""
    places = [_place(statement, column, dialect) for column in key]
    names = [column.name for column in key]
    frames: Sequence[Frame | None] = (inside(statement, places, dialect), around(statement, places, dialect))
    rows = await first_that_runs(
        database, [reading_rows(dialect, frame, columns, names) for frame in frames if frame], role
    )
    bare = keys_inside(statement, places, dialect)
    keys = await first_that_runs(
        database,
        [*([Reading(dialect, bare)] if bare else []), reading_keys(dialect, rows.frame, columns, names)],
        role,
    )
    return rows, keys


async def first_that_runs(database: Database, readings: Sequence[Reading], role: Role = SOURCE) -> Reading:
    """What looks right and is refused by the database all the same (a name it takes for another) is passed over."""
    for reading in readings[:-1]:
        try:
            async with database.reading() as connection:
                await fetch(connection, *reading.page(None, None, 0))
        except DATABASE_ERRORS as error:
            if fault_of(error) in (Fault.MISSING, Fault.OTHER):
                continue
            with source_errors(database, "trying the query", role):
                raise
        return reading
    with source_errors(database, "trying the query", role):
        async with database.reading() as connection:
            await fetch(connection, *readings[-1].page(None, None, 0))
    return readings[-1]


def _place(statement: Statement, column: Column, dialect: Dialect) -> KeyPlace:
    path = named_by(statement.tree, column.name)
    return KeyPlace(column.name, dialect.quote_path(*path) if path else None, column.kind, column.members)

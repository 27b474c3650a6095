"""Whether a flag can be what it is meant to be, found out before the first request: what was sent could not be marked later."""

from __future__ import annotations

from penstock.database.connect import Database
from penstock.database.faults import DATABASE_ERRORS, Fault, explain, fault_of
from penstock.errors import JobError
from penstock.source.failures import source_error, source_errors
from penstock.source.flag_table import FlagTable

# So few that it costs nothing where all of them are 0; so many that data shows itself.
_LOOKED_AT = 1000

_OTHER_VALUES = """
SELECT flag FROM (SELECT {column} AS flag FROM {table} LIMIT {most}) AS penstock_first WHERE flag <> 0 AND flag <> 1 LIMIT 1
"""

# It touches no row and waits for none, and yet needs the right to set each of these columns.
_NOTHING = "UPDATE {table} SET {assignments} WHERE 1 = 0"


async def refuse_data(database: Database, flag: FlagTable) -> None:
    """Raises JobError if the column holds numbers that mean something else: rows would pass for sent, and others lose theirs."""
    if flag.set_to != "1":
        return  # a boolean holds nothing else
    column = flag.column_sql(flag.column)
    question = _OTHER_VALUES.format(table=flag.sql, column=column, most=_LOOKED_AT)
    with source_errors(database, "looking at flags"):
        async with database.reading() as connection:
            found = (await connection.exec_driver_sql(question)).first()
    if found is not None:
        raise JobError(
            f"source.flag: {flag.table}.{flag.column} holds other values than 0 and 1 (one is {found[0]}), so it is no flag; "
            "name another column: source.flag.column"
        )


async def refuse_without_right(database: Database, flag: FlagTable) -> None:
    """Raises JobError if flags may not be set here."""
    written = [flag.column, *flag.called]
    assignments = ", ".join(f"{column} = {column}" for column in map(flag.column_sql, written))
    try:
        async with database.reading() as connection:  # in no transaction: a COMMIT would be one more thing to get lost
            await connection.exec_driver_sql(_NOTHING.format(table=flag.sql, assignments=assignments))
    except DATABASE_ERRORS as error:
        where = f"{flag.table}.{', '.join(written)}"
        match fault_of(error):
            case Fault.LOCKED | Fault.DEADLOCK | Fault.LOST:
                return  # it passes, and says nothing about rights
            case Fault.DENIED:
                raise JobError(
                    f"this user may not set {where} ({explain(error)}): GRANT UPDATE ({', '.join(written)}) ON {flag.table}, "
                    "or leave source.flag out"
                ) from error
            case Fault.READ_ONLY:
                raise JobError(
                    f"the server is read-only, so {where} cannot be set ({explain(error)}): leave source.flag out, "
                    "or use the server that takes writes"
                ) from error
            case _:
                raise source_error(error, database, "setting flags") from error

"""What a database error means for penstock, decided by the driver's own error code in one table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from enum import Enum

import asyncmy.errors
from sqlalchemy.exc import DBAPIError, EmulatedDBAPIException, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class Fault(Enum):
    LOST = "the connection is lost or the server is not there"  # the outcome of a COMMIT may be unknown
    LOCKED = "another session holds a lock"  # the statement was rolled back, the transaction may not be
    DEADLOCK = "the transaction was rolled back in a deadlock"
    DENIED = "a right is missing"
    MISSING = "a table, a column or the SQLite file is missing"
    READ_ONLY = "the server takes no writes"
    FULL = "the disk is full"
    OTHER = "the statement is wrong or the data does not fit"


_MYSQL = {
    1205: Fault.LOCKED,
    3572: Fault.LOCKED,  # NOWAIT
    1213: Fault.DEADLOCK,
    1020: Fault.DEADLOCK,  # "record has changed since last read": MariaDB with innodb_snapshot_isolation
    1412: Fault.LOCKED,  # the table was altered between two statements; the next one sees the new form
    1615: Fault.LOCKED,  # the same, of a prepared statement
    1044: Fault.DENIED,
    1045: Fault.DENIED,
    1142: Fault.DENIED,
    1143: Fault.DENIED,
    1370: Fault.DENIED,
    1227: Fault.DENIED,
    1698: Fault.DENIED,
    1049: Fault.MISSING,
    1054: Fault.MISSING,
    1146: Fault.MISSING,
    1290: Fault.READ_ONLY,
    1792: Fault.READ_ONLY,
    1836: Fault.READ_ONLY,
    3: Fault.FULL,
    28: Fault.FULL,
    1021: Fault.FULL,
    1114: Fault.FULL,
    1037: Fault.LOST,  # out of memory
    1040: Fault.LOST,  # too many connections
    1041: Fault.LOST,
    1047: Fault.LOST,  # a Galera node that has left its cluster
    1053: Fault.LOST,  # shutdown in progress
    1077: Fault.LOST,
    1129: Fault.LOST,
    1135: Fault.LOST,
    1158: Fault.LOST,
    1159: Fault.LOST,
    1160: Fault.LOST,
    1161: Fault.LOST,
    1180: Fault.LOST,  # an error during COMMIT
    1203: Fault.LOST,  # too many connections of this user
    1226: Fault.LOST,
    1317: Fault.LOST,  # query interrupted
    1927: Fault.LOST,  # connection killed
    1969: Fault.LOST,  # max_statement_time
    3024: Fault.LOST,  # max_execution_time
    2002: Fault.LOST,
    2003: Fault.LOST,
    2006: Fault.LOST,
    2013: Fault.LOST,
    2014: Fault.LOST,
    2055: Fault.LOST,
    4031: Fault.LOST,
}

_SQLITE = {
    sqlite3.SQLITE_BUSY: Fault.LOCKED,
    sqlite3.SQLITE_LOCKED: Fault.LOCKED,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Fault.LOST,  # the file is there, or connect.py had said: too few file descriptors, for one
    sqlite3.SQLITE_NOTFOUND: Fault.MISSING,  # connect.py alone says so
    sqlite3.SQLITE_IOERR: Fault.LOST,
    sqlite3.SQLITE_INTERRUPT: Fault.LOST,
    sqlite3.SQLITE_SCHEMA: Fault.LOCKED,
    sqlite3.SQLITE_PERM: Fault.DENIED,
    sqlite3.SQLITE_AUTH: Fault.DENIED,
}

# A value that the column beside it can never hold: of another charset (MySQL), not of its type or out of its range (PostgreSQL).
_MYSQL_UNFIT = frozenset({1267, 1270, 1271})
_POSTGRESQL_UNFIT = frozenset({"22003", "22007", "22008", "22P02", "22P03"})

# Everything that a database or the way to it raises, through SQLAlchemy or straight from a driver.
DATABASE_ERRORS: tuple[type[Exception], ...] = (
    SQLAlchemyError,
    EmulatedDBAPIException,  # around those of asyncpg: SQLAlchemy's own, and by `as_sqlalchemy_does`
    asyncmy.errors.Error,
    sqlite3.Error,
    OSError,
    TimeoutError,
)


def fault_of(error: BaseException) -> Fault:
    """Classify one of DATABASE_ERRORS."""
    if isinstance(error, OSError | TimeoutError | PoolTimeout):
        return Fault.LOST
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Fault.LOST
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", None)
    if isinstance(code, int):
        if "no such table" in str(original) or "no such column" in str(original):
            return Fault.MISSING
        return _SQLITE.get(code & 0xFF, Fault.OTHER)
    # Drivers wrap the server's error: the innermost one carries its code.
    for cause in _chain(original):
        fault = _postgresql_fault(cause)
        if fault is not None:
            return fault
        if cause.args and isinstance(cause.args[0], int) and cause.args[0] in _MYSQL:
            return _MYSQL[cause.args[0]]
        if isinstance(cause, OSError | TimeoutError):
            return Fault.LOST
    return Fault.LOST if isinstance(error, InterfaceError | asyncmy.errors.InterfaceError) else Fault.OTHER


def is_unfit(error: BaseException) -> bool:
    """Whether a statement was refused for one of its values, which no row can hold there."""
    for cause in _chain(error.orig if isinstance(error, DBAPIError) else error):
        if _is_from_asyncpg(cause):
            # What the driver itself refuses has no code.
            return getattr(cause, "sqlstate", None) in _POSTGRESQL_UNFIT or type(cause).__name__ == "DataError"
        if cause.args and cause.args[0] in _MYSQL_UNFIT:
            return True
    return False


def _postgresql_fault(error: BaseException) -> Fault | None:
    if not _is_from_asyncpg(error):
        return None
    from penstock.database.postgresql_faults import postgresql_fault  # noqa: PLC0415  # with the driver, which is there by now

    return postgresql_fault(error)


def _is_from_asyncpg(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] == "asyncpg"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def explain(error: BaseException) -> str:
    """The server's own words in one line: never the statement, its parameters or an address with a password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, EmulatedDBAPIException) and cause.orig is not None:
        cause = cause.orig
    text = str(cause.args[-1]) if cause.args else ""
    if _is_from_asyncpg(cause) and type(cause).__name__ == "UnsupportedClientFeatureError":
        text += ": write CAST(... AS text) in the query"
    if not text and isinstance(cause, TimeoutError):
        return "no answer in time"
    return " ".join(text.split())[:300] or type(cause).__name__

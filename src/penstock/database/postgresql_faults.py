"""What the errors of asyncpg mean for penstock: a part of `faults` that is loaded with the driver, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import EmulatedDBAPIException

from penstock.database.faults import Fault

# SQLSTATE: two letters of class, three of the case.
_POSTGRESQL = {
    "08P01": Fault.OTHER,  # protocol violation
    "25006": Fault.READ_ONLY,
    "25P03": Fault.LOST,  # idle in a transaction for too long: a process that was frozen
    "3D000": Fault.MISSING,  # the database
    "3F000": Fault.MISSING,  # the schema
    "40001": Fault.DEADLOCK,  # could not serialize: as after a deadlock, everything was rolled back
    "40003": Fault.LOST,  # completion unknown
    "40P01": Fault.DEADLOCK,
    "42501": Fault.DENIED,
    "42703": Fault.MISSING,  # the column
    "42P01": Fault.MISSING,  # the table
    "53100": Fault.FULL,
    "55P03": Fault.LOCKED,  # lock_timeout, NOWAIT
    "58030": Fault.LOST,  # input or output error
}
_POSTGRESQL_CLASSES = {
    "08": Fault.LOST,  # connection
    "28": Fault.DENIED,  # user, password, pg_hba.conf
    "53": Fault.LOST,  # too many connections, out of memory
    "57": Fault.LOST,  # starting, shutting down, killed, statement_timeout
}


@contextmanager
def as_sqlalchemy_does() -> Iterator[None]:
    """What asyncpg raises where SQLAlchemy does not stand in between (connecting, a cursor of our own) comes in SQLAlchemy's
    class, as everywhere else."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise EmulatedDBAPIException(str(error), error) from error


def postgresql_fault(error: BaseException) -> Fault | None:
    """None: asyncpg does not say."""
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return Fault.LOCKED  # the table was altered between two statements; the next one sees the new form
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return _POSTGRESQL.get(state) or _POSTGRESQL_CLASSES.get(state[:2], Fault.OTHER)
    if isinstance(error, asyncpg.UnsupportedClientFeatureError):
        return Fault.OTHER  # a type that it cannot decode: it never will
    # The driver's own: the connection was closed under it.
    return Fault.LOST if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError) else None

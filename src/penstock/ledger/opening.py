"""Opening the ledger of a job: as the engine's port, as a person's desk, or to look at it."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.connect import Database
from penstock.errors import LedgerMissing, LedgerRefused
from penstock.ledger.base import IsDead
from penstock.ledger.dialect import dialect_of
from penstock.ledger.jobrow import find_or_create_job
from penstock.ledger.people import SqlPeopleDesk
from penstock.ledger.reading import SqlReadModel
from penstock.ledger.schema import refuse_newer
from penstock.ledger.statements import statement
from penstock.ledger.store import SqlLedger
from penstock.ledger.transactions import Transactions

_VERSION = statement("SELECT version, host FROM penstock_schema")

# JSON_TABLE and SKIP LOCKED came with these; PostgreSQL could not be told before to plan for a table as it is now.
_OLDEST_MARIADB = (10, 6)
_OLDEST_MYSQL = (8, 0)
_OLDEST_POSTGRESQL = (12,)


def _nobody(_owner: str) -> bool:
    return False


async def open_ledger(database: Database, job_name: str, *, is_dead: IsDead = _nobody) -> SqlLedger:
    """The engine's port. `aclose` closes the database too. is_dead: see IsDead; without it no silent worker is given up early.

    Raises LedgerMissing if the tables are not there, LedgerRefused if they are another version's, another machine's (SQLite), or
    on a server too old, LedgerUnreachable.
    """
    transactions = Transactions(database)
    await _check(transactions)
    dialect = dialect_of(database.kind)
    job_id = await find_or_create_job(transactions, dialect, job_name)
    return SqlLedger(transactions, dialect, job_id, job_name, is_dead)


async def read_model(database: Database, job_name: str, *, is_dead: IsDead = _nobody) -> SqlReadModel:
    """What status, rows and show look at; the job need not have been run yet. Raises as `open_ledger` does."""
    transactions = Transactions(database)
    await _check(transactions)
    return SqlReadModel(transactions, dialect_of(database.kind), job_name, is_dead)


def people_desk(database: Database, job_name: str, *, is_dead: IsDead = _nobody) -> SqlPeopleDesk:
    """What a person does by command. Nothing is asked of the database yet: `prepare` works on one without tables."""
    transactions = Transactions(database)
    return SqlPeopleDesk(
        transactions,
        dialect_of(database.kind),
        job_name,
        is_dead,
        check=partial(_check, transactions),
        host=socket.gethostname(),
    )


async def _check(transactions: Transactions) -> None:
    database = transactions.database
    # One look at the file system. (SQLite's own error would be the same as for a disk that is gone.)
    if database.kind == "sqlite" and not Path(database.address).exists():  # noqa: ASYNC240
        raise LedgerMissing(f"there is no file {database.address}: run `penstock prepare FILE`, or correct ledger.url")
    version, host = await transactions.read(partial(_read_version, database=database))
    refuse_newer(version, database.address)
    if host and host != socket.gethostname():
        raise LedgerRefused(
            f"the SQLite ledger {database.address} serves the machine {host}, this is {socket.gethostname()}: use a MariaDB, "
            "MySQL or PostgreSQL ledger for several machines, or `penstock prepare FILE` here if the file has moved for good"
        )


async def _read_version(connection: AsyncConnection, database: Database) -> tuple[int, str]:
    _refuse_old_server(connection, database)
    row = (await connection.execute(_VERSION)).first()
    if row is None:
        raise LedgerMissing(f"the ledger at {database.address} is half made: run `penstock prepare FILE`")
    return row[0], row[1]


def _refuse_old_server(connection: AsyncConnection, database: Database) -> None:
    if database.kind == "sqlite":
        return
    dialect = connection.dialect
    version = dialect.server_version_info or ()
    if database.kind == "postgresql":
        oldest: tuple[int, ...] = _OLDEST_POSTGRESQL
    else:
        oldest = _OLDEST_MARIADB if getattr(dialect, "is_mariadb", False) else _OLDEST_MYSQL
    if version < oldest:
        raise LedgerRefused(
            f"the server at {database.address} is too old for the ledger (version {'.'.join(map(str, version))}): it needs "
            "MariaDB 10.6, MySQL 8.0 or PostgreSQL 12; set ledger.url to another database, e.g. sqlite:///ledger.db"
        )

"""Whether a database holds a ledger that this penstock can work with, on a server that is new enough."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.database.connect import Database
from penstock.errors import LedgerMissing, LedgerRefused
from penstock.ledger.statements import statement
from penstock.ledger.transactions import Transactions
from penstock.ledger.version import refuse_newer, refuse_older

_VERSION = statement("SELECT version, host FROM penstock_schema")

# JSON_TABLE and SKIP LOCKED came with these; PostgreSQL could not be told before to plan for a table as it is now.
_OLDEST_MARIADB = (10, 6)
_OLDEST_MYSQL = (8, 0)
_OLDEST_POSTGRESQL = (12,)


async def refuse_unusable(transactions: Transactions) -> None:
    """Raises LedgerMissing if the tables are not there, LedgerRefused if they are another version's, another machine's (SQLite),
    or on a server too old, LedgerUnreachable."""
    database = transactions.database
    # One look at the file system. (SQLite's own error would be the same as for a disk that is gone.)
    if database.kind == "sqlite" and not Path(database.address).exists():  # noqa: ASYNC240
        raise LedgerMissing(f"there is no file {database.address}: run `penstock prepare FILE`, or correct ledger.url")
    version, host = await transactions.read(partial(_read_version, database=database))
    refuse_newer(version, database.address)
    refuse_older(version, database.address)
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

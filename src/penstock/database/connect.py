"""Open a database by URL, with the session settings that penstock's protocol rests on."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from traceback import clear_frames
from typing import Any

from pydantic import SecretStr
from sqlalchemy import URL, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from penstock.database.session import run_on_connect
from penstock.database.urls import address_of, parse_url, sqlite_path

_SQLITE_SESSION = ("PRAGMA busy_timeout = 10000", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = OFF")

# asyncmy logs the server's warnings, which quote values of rows; SQLAlchemy's pool the whole traceback of a connection that it
# cannot give back because it is broken. Without a handler they would go to stderr.
_SILENT = logging.NullHandler()

# A call that takes longer is cut off and its connection thrown away: half-open connections answer never.
STATEMENT_SECONDS = 300.0
CLOSING_SECONDS = 2.0  # for the goodbyes of a pool


@dataclass(frozen=True)
class Database:
    """An open database. kind: "mysql", "mariadb", "postgresql" or "sqlite" (as the URL says); address: for people, without
    password. translated: within it, what a driver raises past SQLAlchemy comes in SQLAlchemy's class.

    engine runs transactions; reads have connections of their own on a server, which stay in autocommit: switching a shared one
    back and forth would cost four round trips a read.
    """

    engine: AsyncEngine
    reading_engine: AsyncEngine
    kind: str
    address: str
    translated: Callable[[], AbstractContextManager[None]] = nullcontext

    @asynccontextmanager
    async def reading(self, seconds: float = STATEMENT_SECONDS) -> AsyncIterator[AsyncConnection]:
        """A connection for short reads: each statement is a transaction by itself, none is left open."""
        with self.translated():
            async with asyncio.timeout(seconds), self.reading_engine.connect() as connection:
                with _forgotten_if_cut():
                    yield connection

    @asynccontextmanager
    async def writing(self, seconds: float = STATEMENT_SECONDS) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed on leaving (BEGIN IMMEDIATE on SQLite), rolled back if the block raises."""
        with self.translated():
            async with asyncio.timeout(seconds), self.engine.begin() as connection:
                with _forgotten_if_cut():
                    yield connection

    async def aclose(self) -> None:
        """A server that does not hear a goodbye within CLOSING_SECONDS does without."""
        for engine in (self.reading_engine, self.engine):
            try:
                async with asyncio.timeout(CLOSING_SECONDS):
                    await engine.dispose()
            except TimeoutError:
                await engine.dispose(close=False)


@contextmanager
def _forgotten_if_cut() -> Iterator[None]:
    """A statement that nobody waits for any more keeps its locks for as long as somebody remembers it: a SELECT of SQLite would
    hold up every writer. Its connection is thrown away by itself; what the cancellation remembers is forgotten here."""
    try:
        yield
    except asyncio.CancelledError as error:
        clear_frames(error.__traceback__)
        raise


def open_database(
    url: SecretStr, *, folder: str = ".", connections: int = 4, connect_seconds: float = 10.0, create: bool = False
) -> Database:
    """Prepare a pool; nothing is connected yet.

    folder: where relative SQLite and TLS paths start. create: let SQLite make the file (`penstock prepare` alone does).
    Raises JobError for a URL that is none, of a kind that is not served, or that names TLS files which are not there.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(sqlite_path(parsed, folder), connections, create=create)
    if parsed.get_backend_name() == "postgresql":
        return _open_postgresql(parsed, folder, connections, connect_seconds)
    return _open_mysql(parsed, folder, connections, connect_seconds)


def _open_sqlite(path: Path, connections: int, *, create: bool) -> Database:
    # A URI with mode=rw: a mistyped path must be an error, not a new and empty database.
    quoted = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    url = URL.create(
        "sqlite+aiosqlite", database=f"file:{quoted}", query={"mode": "rwc" if create else "rw", "uri": "true"}
    )
    engine = create_async_engine(
        url,
        connect_args={"timeout": 10.0, "isolation_level": None},
        pool_size=connections,
        max_overflow=2,
        pool_timeout=30.0,
    )
    run_on_connect(engine, _SQLITE_SESSION)

    @event.listens_for(engine.sync_engine, "do_connect")
    def refuse_missing_file(*_: object) -> None:
        # SQLite's own refusal would come from the driver's thread, which may then outlive the loop.
        words = _why_no_file(path, create=create)
        if words:
            missing = sqlite3.OperationalError(words)
            missing.sqlite_errorcode = sqlite3.SQLITE_NOTFOUND
            raise missing

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        # A deferred transaction that reads and then writes fails at once with BUSY_SNAPSHOT, whatever the busy_timeout.
        if not connection.get_execution_options().get("penstock_reading"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return Database(engine, engine.execution_options(penstock_reading=True), "sqlite", str(path))


def _why_no_file(path: Path, *, create: bool) -> str:
    if path.is_dir():
        return f"{path} is a folder"
    if create:
        return "" if path.parent.is_dir() else f"there is no folder {path.parent}"
    return "" if path.exists() else f"there is no file {path}"


def _open_postgresql(url: URL, folder: str, connections: int, connect_seconds: float) -> Database:
    from penstock.database.postgresql import postgresql_engine  # noqa: PLC0415  # a driver is loaded for a database of its kind
    from penstock.database.postgresql_faults import as_sqlalchemy_does  # noqa: PLC0415

    logging.getLogger("sqlalchemy.pool").addHandler(_SILENT)
    return Database(
        engine=postgresql_engine(url, folder, "READ COMMITTED", connections, connect_seconds),
        reading_engine=postgresql_engine(url, folder, "AUTOCOMMIT", connections, connect_seconds),
        kind="postgresql",
        address=address_of(url),
        translated=as_sqlalchemy_does,
    )


def _open_mysql(url: URL, folder: str, connections: int, connect_seconds: float) -> Database:
    from penstock.database.mysql import mysql_engine  # noqa: PLC0415  # a driver is loaded for a database of its kind

    for name in ("asyncmy", "sqlalchemy.pool"):
        logging.getLogger(name).addHandler(_SILENT)
    return Database(
        engine=mysql_engine(url, folder, "READ COMMITTED", connections, connect_seconds),
        reading_engine=mysql_engine(url, folder, "AUTOCOMMIT", connections, connect_seconds),
        kind=url.get_backend_name(),
        address=address_of(url),
    )

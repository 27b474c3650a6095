"""Open a database by URL, with the session settings that penstock's protocol rests on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from penstock.errors import JobError

DRIVERS = {"mysql": "mysql+asyncmy", "mariadb": "mariadb+asyncmy", "sqlite": "sqlite+aiosqlite"}

# READ COMMITTED: REPEATABLE READ keeps next-key locks and deadlocked in half of the measured runs. UTC: an hour that exists
# twice must not be read from the session's zone. Short lock waits: a guest does not queue in the old database.
_MYSQL_SESSION = "SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 5, lock_wait_timeout = 5"
_SQLITE_SESSION = ("PRAGMA busy_timeout = 10000", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = OFF")

# A call that takes longer is cut off and its connection thrown away: half-open connections answer never.
STATEMENT_SECONDS = 300.0


@dataclass(frozen=True)
class Database:
    """An open database. kind: "mysql", "mariadb" or "sqlite" (as the URL says); address: for people, without password."""

    engine: AsyncEngine
    kind: str
    address: str

    @asynccontextmanager
    async def reading(self, seconds: float = STATEMENT_SECONDS) -> AsyncIterator[AsyncConnection]:
        """A connection for short reads: each statement by itself, no transaction is left open."""
        async with asyncio.timeout(seconds):
            async with self.engine.execution_options(**_reading_options(self.kind)).connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, seconds: float = STATEMENT_SECONDS) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed on leaving (BEGIN IMMEDIATE on SQLite), rolled back if the block raises."""
        async with asyncio.timeout(seconds):
            async with self.engine.begin() as connection:
                yield connection

    async def aclose(self) -> None:
        await self.engine.dispose()


def open_database(
    url: SecretStr, *, folder: str = ".", connections: int = 4, connect_seconds: float = 10.0, create: bool = False
) -> Database:
    """Prepare a pool; nothing is connected yet.

    folder: where relative SQLite paths start. create: let SQLite make the file (`penstock prepare` alone does).
    Raises JobError for a URL that is none, or of a kind that is not served.
    """
    parsed = parse_url(url)
    kind = parsed.get_backend_name()
    arguments: dict[str, Any]
    if kind == "sqlite":
        path = (Path(folder) / (parsed.database or "")).resolve()
        # A URI with mode=rw: a mistyped path must be an error, not a new and empty database.
        mode = "rwc" if create else "rw"
        parsed = parsed.set(database=f"file:{_quote_path(path)}", query={"mode": mode, "uri": "true"})
        arguments = {"timeout": 10.0, "isolation_level": None}
        address = str(path)
    else:
        arguments = {"connect_timeout": connect_seconds, "charset": "utf8mb4"}
        address = f"{parsed.host or '127.0.0.1'}:{parsed.port or 3306}/{parsed.database or ''}"
    engine = create_async_engine(
        parsed.set(drivername=DRIVERS[kind]),
        connect_args=arguments,
        pool_size=connections,
        max_overflow=2,
        pool_timeout=30.0,
        pool_pre_ping=False,
        **({} if kind == "sqlite" else {"isolation_level": "READ COMMITTED", "pool_recycle": 1800}),
    )
    _prepare_sessions(engine, kind)
    return Database(engine=engine, kind=kind, address=address)


def parse_url(url: SecretStr) -> URL:
    """The URL in parts. Raises JobError without repeating the URL: it may hold a password."""
    try:
        parsed = make_url(url.get_secret_value())
    except ArgumentError:
        raise JobError(
            "the database URL cannot be read; write kind://user:${PASSWORD}@host:port/database, or sqlite:///file.db"
        ) from None
    kind = parsed.get_backend_name()
    if kind in ("postgresql", "postgres"):
        raise JobError("postgresql is not served yet; use mysql, mariadb or sqlite")
    if kind not in DRIVERS or parsed.drivername != kind:
        raise JobError(f"{parsed.drivername!r} is no database penstock knows; use mysql, mariadb or sqlite")
    if not parsed.database:
        raise JobError(f"the {kind} URL names no database; write {kind}://.../database")
    return parsed


def same_database(one: SecretStr, other: SecretStr, folder: str) -> bool:
    """Whether both URLs reach the same database, so that one transaction can span both."""
    a, b = parse_url(one), parse_url(other)
    if a.get_backend_name() == "sqlite" or b.get_backend_name() == "sqlite":
        if a.get_backend_name() != b.get_backend_name():
            return False
        return (Path(folder) / (a.database or "")).resolve() == (Path(folder) / (b.database or "")).resolve()
    return (a.host or "127.0.0.1", a.port or 3306, a.database) == (b.host or "127.0.0.1", b.port or 3306, b.database)


def _quote_path(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _reading_options(kind: str) -> dict[str, Any]:
    return {"penstock_reading": True} if kind == "sqlite" else {"isolation_level": "AUTOCOMMIT"}


def _prepare_sessions(engine: AsyncEngine, kind: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_session(dbapi_connection: Any, _record: object) -> None:
        cursor = dbapi_connection.cursor()
        for statement in _SQLITE_SESSION if kind == "sqlite" else (_MYSQL_SESSION,):
            cursor.execute(statement)
        cursor.close()

    if kind == "sqlite":

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Any) -> None:
            # A deferred transaction that reads and then writes fails at once with BUSY_SNAPSHOT, whatever the busy_timeout.
            if not connection.get_execution_options().get("penstock_reading"):
                connection.exec_driver_sql("BEGIN IMMEDIATE")

"""Empty databases on the servers of the tests, of both kinds, each with the process whose time is taken."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from benchmarks.database import find_server
from benchmarks.missing import Missing

_ADDRESS = Path(__file__).parents[2] / ".services" / "postgresql" / "url"
_ELSEWHERE = (
    "its server runs elsewhere, or under a user whose processes cannot be seen: its processor time cannot be taken"
)


@dataclass(frozen=True, slots=True)
class Place:
    """url: of an empty database. process: the number of the server's first."""

    kind: str
    url: str
    process: int


@contextmanager
def mariadb() -> Iterator[Place]:
    """Raises Missing if there is no server, or it runs elsewhere."""
    server = find_server()
    process = server.process()
    if process is None:
        raise Missing(f"mariadb: {_ELSEWHERE}")
    name = _new_name()
    server.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield Place("mariadb", server.of(name).render_as_string(hide_password=False), process)
    finally:
        server.execute(f"DROP DATABASE {name}")


@contextmanager
def postgresql() -> Iterator[Place]:
    """The one of PENSTOCK_TEST_POSTGRESQL_URL, else that of scripts/services. Raises Missing as `mariadb` does."""
    given = os.environ.get("PENSTOCK_TEST_POSTGRESQL_URL")
    if given is None and not _ADDRESS.exists():
        raise Missing(
            "PostgreSQL is not running: scripts/services start postgresql, or set PENSTOCK_TEST_POSTGRESQL_URL"
        )
    url = make_url(given or _ADDRESS.read_text().strip())
    process = asyncio.run(_server_process(url))
    name = _new_name()
    asyncio.run(_execute(url, f"CREATE DATABASE {name}"))
    try:
        yield Place("postgresql", url.set(database=name).render_as_string(hide_password=False), process)
    finally:
        asyncio.run(_execute(url, f"DROP DATABASE {name} WITH (FORCE)"))


def _new_name() -> str:
    return f"penstock_costs_{uuid4().hex[:8]}"


async def _execute(url: URL, statement: str) -> None:
    async with _connected(url) as connection:
        await connection.exec_driver_sql(statement)


async def _server_process(url: URL) -> int:
    """The parent of whatever process serves a connection. Raises Missing."""
    async with _connected(url) as connection:
        return _parent(int((await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()))


def _parent(process: int) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        status = ""
    for line in status.splitlines():
        if line.startswith("PPid:"):
            return int(line.split()[1])
    raise Missing(f"postgresql: {_ELSEWHERE}")


@asynccontextmanager
async def _connected(url: URL) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg", database="postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()

"""Fresh databases for the tests, on real servers. A server that is missing fails the test: nothing is skipped."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from tests.transport.management import Management

SERVICES = Path(__file__).parent.parent / ".services"


def pytest_configure() -> None:
    """What a shell starts in the background ignores Ctrl-C, and hands that down to the processes that the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
async def mariadb_url() -> AsyncIterator[str]:
    """A new and empty MariaDB database, dropped after the test: mysql://user:password@host:port/name."""
    server = make_url(_address_of("mariadb", given_by="PENSTOCK_TEST_MYSQL_URL"))
    async with _new_mysql_database(server) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
async def postgresql_url() -> AsyncIterator[str]:
    """A new and empty PostgreSQL database, dropped after the test: postgresql://user:password@host:port/name."""
    server = make_url(_address_of("postgresql", given_by="PENSTOCK_TEST_POSTGRESQL_URL"))
    async with _new_postgresql_database(server) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A new and empty SQLite file: sqlite:///path."""
    path = tmp_path / "database.db"
    # VACUUM writes the header: a file of no bytes is not yet a database.
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    return f"sqlite:///{path}"


@pytest.fixture
async def mongodb_url() -> AsyncIterator[str]:
    """A new name of a database, where nothing is until it is written to; dropped after the test: mongodb://host:port/name."""
    server = make_url(_address_of("mongodb", given_by="PENSTOCK_TEST_MONGO_URL"))
    async with _new_mongodb_database(server) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def amqp() -> str:
    """The RabbitMQ server itself, as a user who may do everything: amqp://user:password@host:port/."""
    return _address_of("rabbitmq", given_by="PENSTOCK_TEST_AMQP_URL")


@pytest.fixture
async def amqp_url(amqp: str) -> AsyncIterator[str]:
    """A new and empty virtual host of RabbitMQ, dropped after the test: amqp://user:password@host:port/name."""
    management, name = Management(amqp), _new_name()
    refusal: OSError | None = None
    try:
        await asyncio.to_thread(management.put, "vhosts", name)
        await asyncio.to_thread(management.let, management.user, name)
    except OSError as error:
        refusal = error
    if refusal is not None:
        reach = "scripts/services start, and the management plugin at AMQP's port + 10000"
        pytest.fail(f"RabbitMQ gives no virtual host: {refusal}; {reach}", pytrace=False)
    try:
        yield urlsplit(amqp)._replace(path=f"/{name}").geturl()
    finally:
        await asyncio.to_thread(management.delete, "vhosts", name)


@pytest.fixture(params=["mariadb", "postgresql", "sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The same test on a new MariaDB database, on a new PostgreSQL database and on a new SQLite file."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture(params=["mariadb", "postgresql"])
def server_url(request: pytest.FixtureRequest) -> str:
    """The same test on a new MariaDB database and a new PostgreSQL database."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


def _address_of(service: str, *, given_by: str) -> str:
    """The server given by environment, else the one that scripts/services started for this checkout."""
    given = os.environ.get(given_by)
    if given:
        return given
    try:
        return (SERVICES / service / "url").read_text().strip()
    except FileNotFoundError:
        pytest.fail(f"{service} is not running: scripts/services start, or set {given_by}", pytrace=False)


@asynccontextmanager
async def _new_mysql_database(server: URL) -> AsyncIterator[URL]:
    name = _new_name()
    at = server.set(drivername="mysql+asyncmy")
    await _create(at, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield server.set(database=name)
    finally:
        # A test that leaves a transaction open would make this wait for ever: it is told so instead.
        await _execute(at, "SET SESSION lock_wait_timeout = 10", f"DROP DATABASE {name}")


@asynccontextmanager
async def _new_postgresql_database(server: URL) -> AsyncIterator[URL]:
    name = _new_name()
    at = server.set(drivername="postgresql+asyncpg", database="postgres")
    await _create(at, f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield server.set(database=name)
    finally:
        await _execute(at, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def _new_mongodb_database(server: URL) -> AsyncIterator[URL]:
    name = _new_name()
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(
        server.render_as_string(hide_password=False), serverSelectionTimeoutMS=5000
    )
    async with client:
        refusal: PyMongoError | None = None
        try:
            await client.admin.command("ping")
        except PyMongoError as error:
            refusal = error
        if refusal is not None:
            pytest.fail(f"{server.host}:{server.port}: {refusal}; scripts/services start", pytrace=False)
        try:
            # An address without a database logs in to admin, one with a database there.
            account = {"authSource": server.database or "admin"} if server.username else {}
            yield server.set(database=name, query={**account, **server.query})
        finally:
            await client.drop_database(name)


def _new_name() -> str:
    return f"penstock_test_{uuid4().hex[:12]}"


async def _create(server: URL, statement: str) -> None:
    refusal: BaseException | None = None
    try:
        await _execute(server, statement)
    except DBAPIError as error:
        refusal = error.orig
    except OSError as error:
        refusal = error
    if refusal is not None:  # outside the except block: pytest would print the whole chain above the one line
        pytest.fail(f"{server.host}:{server.port} gives no database: {refusal}; scripts/services start", pytrace=False)


async def _execute(server: URL, *statements: str) -> None:
    engine = create_async_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)

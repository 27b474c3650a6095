from collections.abc import AsyncIterator

import pytest
from tests.source.worlds import World, world_at


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """The same test on every database."""
    async with world_at(database_url) as world:
        yield world


@pytest.fixture
async def server(server_url: str) -> AsyncIterator[World]:
    """A database that others use at the same time."""
    async with world_at(server_url) as world:
        yield world


@pytest.fixture
async def mariadb(mariadb_url: str) -> AsyncIterator[World]:
    async with world_at(mariadb_url) as world:
        yield world


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[World]:
    async with world_at(sqlite_url) as world:
        yield world


@pytest.fixture
async def postgresql(postgresql_url: str) -> AsyncIterator[World]:
    async with world_at(postgresql_url) as world:
        yield world

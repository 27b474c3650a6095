from collections.abc import AsyncIterator

import pytest
from tests.source.worlds import World, world_at


@pytest.fixture(params=["mariadb", "postgresql", "sqlite"])
def source_url(request: pytest.FixtureRequest) -> str:
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
async def world(source_url: str) -> AsyncIterator[World]:
    """The same test on every database."""
    async with world_at(source_url) as world:
        yield world


@pytest.fixture(params=["mariadb", "postgresql"])
def server_url(request: pytest.FixtureRequest) -> str:
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


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

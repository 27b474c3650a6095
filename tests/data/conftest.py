"""The databases of the tests of data: the worlds of the tests of the source."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.engine.conftest import state_of_the_user_in_the_test_folder
from tests.source.conftest import mariadb, postgresql, sqlite
from tests.source.worlds import World, world_at

__all__ = ["mariadb", "postgresql", "sqlite", "state_of_the_user_in_the_test_folder"]


@pytest.fixture(params=["mariadb", "sqlite"])
def url_of_either(request: pytest.FixtureRequest) -> str:
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
async def either(url_of_either: str) -> AsyncIterator[World]:
    """Once on MariaDB, once on SQLite: for tests whose statements differ between the two."""
    async with world_at(url_of_either) as world:
        yield world

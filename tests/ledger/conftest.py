from __future__ import annotations

import pytest


@pytest.fixture(params=["mariadb", "postgresql", "sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The same test on a new MariaDB database, a new PostgreSQL database and a new SQLite file."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url

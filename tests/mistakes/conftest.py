"""Worlds for mistakes to be made in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import gethostname

import pytest
from tests.mistakes.api import serving
from tests.mistakes.servers import MariaDatabase, PostgresqlDatabase
from tests.mistakes.world import JOB, SHOP, TOKEN, Database, World, sqlite_shop


@pytest.fixture
def sqlite_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    """A shop in an SQLite file, orders.yaml; nothing prepared yet."""
    yield from _world(tmp_path, sqlite_shop(tmp_path), monkeypatch, capsys)


def _world(
    folder: Path, database: Database, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
) -> Iterator[World]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("API_TOKEN", TOKEN)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.delenv("PENSTOCK_DEBUG", raising=False)
    with serving() as api, ExitStack() as undo:
        names = {"port": str(api.port), "folder": str(folder), "source": database.url, "host": gethostname()}
        world = World(folder, api, database, monkeypatch, capture, undo, names)
        world.write("orders.yaml", JOB)
        yield world


@pytest.fixture
def mariadb_world(
    mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    """The same shop on MariaDB."""
    yield from _on_server(MariaDatabase(mariadb_url), tmp_path, monkeypatch, capsys)


@pytest.fixture
def postgresql_world(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    """The same shop on PostgreSQL."""
    yield from _on_server(PostgresqlDatabase(postgresql_url), tmp_path, monkeypatch, capsys)


def _on_server(
    database: MariaDatabase | PostgresqlDatabase,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capture: pytest.CaptureFixture[str],
) -> Iterator[World]:
    database.execute(*SHOP)
    parts = database.parts
    for world in _world(folder, database, monkeypatch, capture):
        world.names |= {"server": f"{parts.host}:{parts.port}", "database": str(parts.database)}
        yield world

"""The databases of the tests of data: the worlds of the tests of the source."""

from __future__ import annotations

from tests.source.conftest import mariadb, sqlite, world

__all__ = ["mariadb", "sqlite", "world"]

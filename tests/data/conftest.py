"""The databases of the tests of data: the worlds of the tests of the source."""

from __future__ import annotations

from tests.engine.conftest import state_of_the_user_in_the_test_folder
from tests.source.conftest import mariadb, postgresql, sqlite, world

__all__ = ["mariadb", "postgresql", "sqlite", "state_of_the_user_in_the_test_folder", "world"]

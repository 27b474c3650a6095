"""The table of types, a part a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.data.mariadb_types import MARIADB
from tests.data.postgresql_types import POSTGRESQL
from tests.data.sqlite_types import SQLITE
from tests.data.type_cases import Section

# By the name that people read. The tests run each part on its own database: MySQL's on MariaDB.
TABLES: Mapping[str, Sequence[Section]] = {
    "MySQL and MariaDB": MARIADB,
    "PostgreSQL": POSTGRESQL,
    "SQLite": SQLITE,
}

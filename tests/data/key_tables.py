"""The table of keys, a part a database: what names rows, and what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.data.key_cases import KeyCase, RefusedKey
from tests.data.mariadb_keys import MARIADB_KEYS, MARIADB_REFUSED
from tests.data.postgresql_keys import POSTGRESQL_KEYS, POSTGRESQL_REFUSED
from tests.data.sqlite_keys import SQLITE_KEYS, SQLITE_REFUSED

KEYS: Mapping[str, Sequence[KeyCase]] = {
    "MySQL and MariaDB": MARIADB_KEYS,
    "PostgreSQL": POSTGRESQL_KEYS,
    "SQLite": SQLITE_KEYS,
}
REFUSED: Mapping[str, Sequence[RefusedKey]] = {
    "MySQL and MariaDB": MARIADB_REFUSED,
    "PostgreSQL": POSTGRESQL_REFUSED,
    "SQLite": SQLITE_REFUSED,
}

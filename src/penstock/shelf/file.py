"""A temporary SQLite file, gone when it is closed."""

from __future__ import annotations

import sqlite3
from tempfile import NamedTemporaryFile

# Nothing here outlives the process: durability would only cost time.
_SETTINGS = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -16000")


class TemporaryDatabase:
    """connection: in autocommit. What is begun has to be committed."""

    def __init__(self, *tables: str) -> None:
        self._file = NamedTemporaryFile(prefix="penstock-")  # noqa: SIM115  # closed with the database
        self.connection = sqlite3.connect(self._file.name, isolation_level=None)
        for statement in (*_SETTINGS, *tables):
            self.connection.execute(statement).close()

    def close(self) -> None:
        self.connection.close()
        self._file.close()

"""A temporary SQLite file that has no name: whatever ends the process ends it, too."""

from __future__ import annotations

import os
import sqlite3
from tempfile import mkstemp

# Nothing here outlives the process: durability would only cost time.
_SETTINGS = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -8000")


class TemporaryDatabase:
    """connection: in autocommit. What is begun has to be committed."""

    def __init__(self, *tables: str) -> None:
        handle, path = mkstemp(prefix="penstock-")
        os.close(handle)
        try:
            self.connection = sqlite3.connect(path, isolation_level=None)
            for statement in (*_SETTINGS, *tables):
                self.connection.execute(statement).close()
        finally:
            os.unlink(path)

    def close(self) -> None:
        self.connection.close()

"""Texts put aside on disk, because there may be as many as rows: whether one is there, and all of them again. A temporary SQLite
file, gone when it is closed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from tempfile import NamedTemporaryFile

# Nothing here outlives the process: durability would only cost time.
_SETTINGS = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -16000")


_AMONG = "SELECT text FROM spooled WHERE text IN (SELECT value FROM json_each(?))"


class Spool:
    def __init__(self) -> None:
        self._file = NamedTemporaryFile(prefix="penstock-verify-")  # noqa: SIM115  # closed with the spool
        self._connection = sqlite3.connect(self._file.name, isolation_level=None)
        for setting in _SETTINGS:
            self._connection.execute(setting).close()
        self._connection.execute("CREATE TABLE spooled (text TEXT PRIMARY KEY) WITHOUT ROWID")
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, texts: Sequence[str]) -> None:
        """Those that are there already stay once."""
        if not texts:
            return
        self._connection.execute("BEGIN")
        added = self._connection.executemany("INSERT OR IGNORE INTO spooled VALUES (?)", [(text,) for text in texts])
        self._connection.execute("COMMIT")
        self._count += added.rowcount

    def remove(self, texts: Sequence[str]) -> None:
        self._connection.execute("BEGIN")
        gone = self._connection.executemany("DELETE FROM spooled WHERE text = ?", [(text,) for text in texts])
        self._connection.execute("COMMIT")
        self._count -= gone.rowcount

    def among(self, texts: Sequence[str]) -> frozenset[str]:
        """Those of the texts that are there."""
        asked = json.dumps(list(texts))
        return frozenset(text for (text,) in self._connection.execute(_AMONG, (asked,)))

    def portions(self, size: int) -> Iterator[list[str]]:
        """All of them, so many at once."""
        with closing(self._connection.execute("SELECT text FROM spooled ORDER BY text")) as cursor:
            while portion := [text for (text,) in islice(cursor, size)]:
                yield portion

    def close(self) -> None:
        self._connection.close()
        self._file.close()

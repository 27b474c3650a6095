"""Texts put aside on disk: whether one is there, and all of them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice

from penstock.shelf.file import TemporaryDatabase

_AT_ONCE = 500


class Spool:
    def __init__(self) -> None:
        self._database = TemporaryDatabase("CREATE TABLE spooled (text TEXT PRIMARY KEY) WITHOUT ROWID")
        self._connection = self._database.connection
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
        found: set[str] = set()
        for start in range(0, len(texts), _AT_ONCE):
            some = texts[start : start + _AT_ONCE]
            # Bound one by one: a text in a JSON array would end at a NUL.
            asked = f"SELECT text FROM spooled WHERE text IN ({', '.join('?' * len(some))})"  # noqa: S608  # question marks
            found.update(text for (text,) in self._connection.execute(asked, some))
        return frozenset(found)

    def portions(self, size: int) -> Iterator[list[str]]:
        """All of them, so many at once."""
        with closing(self._connection.execute("SELECT text FROM spooled ORDER BY text")) as cursor:
            while portion := [text for (text,) in islice(cursor, size)]:
                yield portion

    def close(self) -> None:
        self._database.close()

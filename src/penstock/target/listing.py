"""The records of a list, put aside on disk: a temporary SQLite file, gone when it is closed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from tempfile import NamedTemporaryFile
from typing import Any, cast

from penstock.errors import RowError
from penstock.rows import Record, Unreadable, match_text
from penstock.spec.expression_values import from_json
from penstock.spec.wire import to_json
from penstock.target.record_fields import Fields

# Nothing here outlives the process: durability would only cost time.
_SETTINGS = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -16000")
_TABLES = (
    # match: the key in the form that is the same whatever its type. record: its values, exact.
    "CREATE TABLE records (no INTEGER PRIMARY KEY, match TEXT NOT NULL, record TEXT NOT NULL)",
    "CREATE TABLE pages (target TEXT PRIMARY KEY) WITHOUT ROWID",
)
_AT_ONCE = 500


class Listing:
    """without_key: how many documents have none."""

    def __init__(self, fields: Fields) -> None:
        self.without_key = 0
        self._fields = fields
        self._file = NamedTemporaryFile(prefix="penstock-verify-")  # noqa: SIM115  # closed with the listing
        self._connection = sqlite3.connect(self._file.name, isolation_level=None)
        for setting in (*_SETTINGS, *_TABLES):
            self._connection.execute(setting).close()

    def begin_page(self, target: str) -> bool:
        """Whether this page was not begun before."""
        return self._connection.execute("INSERT OR IGNORE INTO pages VALUES (?)", (target,)).rowcount == 1

    def add(self, documents: Sequence[Mapping[str, object]]) -> None:
        records = [self._fields.record_of(document) for document in documents]
        named = [record for record in records if not any(value is None for value in record.key)]
        self.without_key += len(records) - len(named)
        rows = [(match_text(record.key), _written(record)) for record in named]
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO records (match, record) VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")

    def complete(self) -> None:
        """All pages are there: now records can be found."""
        self._connection.execute("CREATE INDEX records_by_match ON records (match)").close()

    def look_up(self, keys: Sequence[tuple[object, ...]]) -> list[Record]:
        found: list[Record] = []
        asked_for = list(dict.fromkeys(map(match_text, keys)))
        for start in range(0, len(asked_for), _AT_ONCE):
            some = asked_for[start : start + _AT_ONCE]
            # Bound one by one: a text in a JSON array would end at a NUL.
            asked = f"SELECT record FROM records WHERE match IN ({', '.join('?' * len(some))})"  # noqa: S608  # question marks
            found += [self._read(text) for (text,) in self._connection.execute(asked, some)]
        return found

    def keys(self, size: int) -> Iterator[list[tuple[object, ...]]]:
        """All of them in the order of the list, so many at once."""
        cursor = self._connection.execute("SELECT record FROM records ORDER BY no")
        while portion := [self._read(text).key for (text,) in islice(cursor, size)]:
            yield portion

    def close(self) -> None:
        self._connection.close()
        self._file.close()

    def _read(self, text: str) -> Record:
        key, values, unreadable = cast(list[list[Any]], from_json(text))
        for at, reason in unreadable:
            values[at] = Unreadable(reason)
        return Record(tuple(key), tuple(values))


def _written(record: Record) -> str:
    """The record as JSON, every number with all its digits; a value that JSON cannot carry on is named instead."""
    try:
        return to_json([record.key, record.values, []], "the record").decode()
    except RowError:
        values, unreadable = [], []
        for at, value in enumerate(record.values):
            try:
                to_json(value, "the value")
            except RowError as error:
                unreadable.append([at, str(error).removeprefix("the value: ")])
            values.append(None if unreadable and unreadable[-1][0] == at else value)
        return to_json([record.key, values, unreadable], "the record").decode()

"""Records put aside on disk: by their keys, and all keys again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, cast

from penstock.errors import RowError
from penstock.rows import Record, Unreadable, match_text
from penstock.shelf.file import TemporaryDatabase
from penstock.spec.expression_values import from_json
from penstock.spec.wire import to_json

# match: the key in the form that is the same whatever its type. record: its values, exact.
_TABLE = "CREATE TABLE records (no INTEGER PRIMARY KEY, match TEXT NOT NULL, record TEXT NOT NULL)"
_AT_ONCE = 500


class RecordFile:
    """Values come back as JSON has them: numbers with all their digits, moments and bytes as text, which means the same.
    without_key: how many records had none, and are not kept."""

    def __init__(self) -> None:
        self.without_key = 0
        self._database = TemporaryDatabase(_TABLE)
        self._connection = self._database.connection

    def add(self, records: Sequence[Record]) -> None:
        named = [record for record in records if not any(value is None for value in record.key)]
        self.without_key += len(records) - len(named)
        rows = [(match_text(record.key), _written(record)) for record in named]
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO records (match, record) VALUES (?, ?)", rows)
        self._connection.execute("COMMIT")

    def complete(self) -> None:
        """All of them are there: now they can be found."""
        self._connection.execute("CREATE INDEX records_by_match ON records (match)").close()

    def look_up(self, keys: Sequence[tuple[object, ...]]) -> list[Record]:
        found: list[Record] = []
        asked_for = list(dict.fromkeys(map(match_text, keys)))
        for start in range(0, len(asked_for), _AT_ONCE):
            some = asked_for[start : start + _AT_ONCE]
            # Bound one by one: a text in a JSON array would end at a NUL.
            asked = f"SELECT record FROM records WHERE match IN ({', '.join('?' * len(some))})"  # noqa: S608  # question marks
            found += [_read(text) for (text,) in self._connection.execute(asked, some)]
        return found

    def keys(self, size: int) -> Iterator[list[tuple[object, ...]]]:
        """All of them in the order in which they came, so many at once."""
        with closing(self._connection.execute("SELECT record FROM records ORDER BY no")) as cursor:
            while portion := [_read(text).key for (text,) in islice(cursor, size)]:
                yield portion

    def close(self) -> None:
        self._database.close()


def _read(text: str) -> Record:
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

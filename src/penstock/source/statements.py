"""The statements that read a source, put together once. Each is a frame with a hole for the condition, and what is selected
around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.rows import Key
from penstock.source.columns import NUMBERED, Column, ColumnKind
from penstock.source.dialect import MYSQL, Dialect
from penstock.source.frame import Frame
from penstock.source.keyset import Condition, KeyColumn, between, key_column, one_of

_AROUND = "penstock_r"
# Names of the columns at the end that hold the numbers of ENUM and SET keys.
NUMBERS = tuple(f"penstock_key_{number}" for number in range(16))


@dataclass(frozen=True, slots=True)
class Outer:
    """A SELECT around the page. columns: its select list; order: the keys as they are called there."""

    columns: str
    order: str

    def around(self, page: str) -> str:
        return f"SELECT {self.columns} FROM (\n{page}\n) AS {_AROUND}\nORDER BY {self.order}"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way of reading. outer: None if the frame's own columns are what is wanted."""

    dialect: Dialect
    frame: Frame
    outer: Outer | None = None

    def page(self, after: Key | None, upto: Key | None, limit: int) -> Condition:
        """The statement with its values: at most `limit` rows with after < key <= upto, in key order."""
        bounds = between(self.dialect, self.frame.keys, after, upto)
        return self._whole(self.frame.select(bounds.text, limit), bounds)

    def page_with_keys(self, after: Key | None, upto: Key | None, limit: int) -> Condition:
        """The same without rows whose key is NULL."""
        bounds = between(self.dialect, self.frame.keys, after, upto)
        there = " AND ".join(f"{key.compared} IS NOT NULL" for key in self.frame.keys)
        return self._whole(self.frame.select(f"{there} AND {bounds.text}", limit), bounds)

    def nth(self, after: Key | None, number: int) -> Condition:
        """The row that is so many behind `after`, counted from 1; none if there are fewer."""
        bounds = between(self.dialect, self.frame.keys, after, None)
        return self._whole(self.frame.select(bounds.text, 1, skipped=number - 1), bounds)

    def of(self, keys: Sequence[Key], limit: int | None = None) -> Condition:
        """The rows with these keys, at most so many."""
        wanted = one_of(self.dialect, self.frame.keys, keys)
        text = self.frame.where(wanted.text)
        return self._whole(text if limit is None else f"{text}\nLIMIT {limit}", wanted)

    def between(self, after: Key | None, upto: Key | None, limit: int) -> Condition:
        """Rows with after < key <= upto in any order, at most so many."""
        bounds = between(self.dialect, self.frame.keys, after, upto)
        return self._whole(f"{self.frame.where(bounds.text)}\nLIMIT {limit}", bounds)

    def without_key(self) -> str:
        """One row whose key is NULL, if there is one: no page would ever show it."""
        missing = " OR ".join(f"{key.compared} IS NULL" for key in self.frame.keys)
        return f"{self.frame.where(missing)}\nLIMIT 1"

    def count_without_key(self) -> str:
        """How many rows have a key that is NULL."""
        missing = " OR ".join(f"{key.compared} IS NULL" for key in self.frame.keys)
        return f"SELECT COUNT(*) FROM (\n{self.frame.where(missing)}\n) AS penstock_n"

    def _whole(self, text: str, condition: Condition) -> Condition:
        whole = self.outer.around(text) if self.outer else text
        return Condition(self.dialect.complete(whole), condition.values)


def reading_some(dialect: Dialect, frame: Frame, columns: Sequence[Column], key: Sequence[str]) -> Reading:
    """These columns of each row alone, whatever the query shows besides; none of the key's is ENUM or SET."""
    shown = ", ".join(_shown(dialect, column) for column in columns)
    return Reading(dialect, frame, Outer(shown, order_outside(dialect, columns, key)))


def reading_rows(dialect: Dialect, frame: Frame, columns: Sequence[Column], key: Sequence[str]) -> Reading:
    """Whole rows. What the driver would round or not show is asked for in another form: FLOAT as a DOUBLE (MySQL's text protocol
    gives six digits), types without a form of their own as the server writes them, and the numbers of ENUM and SET keys as
    further columns at the end, in the order of the key."""
    numbered = [name for name in key if _column(columns, name).kind in NUMBERED]
    shown = [_shown(dialect, column) for column in columns]
    if not numbered and shown == [called_outside(dialect, column.name) for column in columns]:
        return Reading(dialect, frame)
    numbers = [
        f"{_key_outside(dialect, columns, name).shown} AS {number}"
        for name, number in zip(numbered, NUMBERS, strict=False)
    ]
    return Reading(dialect, frame, Outer(", ".join(shown + numbers), order_outside(dialect, columns, key)))


def reading_keys(dialect: Dialect, frame: Frame, columns: Sequence[Column], key: Sequence[str]) -> Reading:
    """Keys alone, where the frame shows whole rows."""
    shown = ", ".join(_key_outside(dialect, columns, name).shown for name in key)
    return Reading(dialect, frame, Outer(shown, order_outside(dialect, columns, key)))


def reading_table(
    dialect: Dialect, path: Sequence[str], key: Sequence[KeyColumn], may_be_null: Sequence[str]
) -> Reading:
    """Keys from one table, past the query. may_be_null: the SQL of those of its columns to be careful with."""
    table = dialect.verbatim(dialect.quote_path(*path))
    there = "".join(f"{name} IS NOT NULL AND " for name in may_be_null)
    head = f"SELECT {', '.join(column.shown for column in key)} FROM {table} WHERE {there}("
    return Reading(dialect, Frame(head, ")", tuple(key), is_inside=True))


def flagged_rows(dialect: Dialect, table: str, is_set: str, key: Sequence[KeyColumn]) -> Reading:
    """Keys of those rows of the flag's table whose flag is set: is_set is the condition."""
    head = f"SELECT {', '.join(column.shown for column in key)} FROM {table} WHERE {is_set} AND ("
    return Reading(dialect, Frame(head, ")", tuple(key), is_inside=True))


def key_positions(columns: Sequence[Column], key: Sequence[str]) -> tuple[int, ...]:
    """Where in a row of `reading_rows` the values of the key are."""
    names = [column.name for column in columns]
    extra = iter(range(len(columns), len(columns) + len(key)))
    return tuple(next(extra) if _column(columns, name).kind in NUMBERED else names.index(name) for name in key)


def order_outside(dialect: Dialect, columns: Sequence[Column], key: Sequence[str]) -> str:
    """The key columns, seen from an `Outer`."""
    return ", ".join(_key_outside(dialect, columns, name).compared for name in key)


def _shown(dialect: Dialect, column: Column) -> str:
    name = called_outside(dialect, column.name)
    again = dialect.verbatim(dialect.quote(column.name))
    match column.kind:
        case ColumnKind.FLOAT if dialect == MYSQL:
            return f"{name} * 1e0 AS {again}"
        case ColumnKind.PRINTED:
            return f"CAST({name} AS text) AS {again}"
        case _:
            return name


def called_outside(dialect: Dialect, name: str) -> str:
    """A column of the page, seen from an `Outer`."""
    return dialect.verbatim(dialect.quote_path(_AROUND, name))


def _key_outside(dialect: Dialect, columns: Sequence[Column], name: str) -> KeyColumn:
    column = _column(columns, name)
    return key_column(called_outside(dialect, name), column.kind, column.members)


def _column(columns: Sequence[Column], name: str) -> Column:
    return next(column for column in columns if column.name == name)

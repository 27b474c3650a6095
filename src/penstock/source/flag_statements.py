"""The statements that write flags. Pure: text with placeholders, and the values of these."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from penstock.rows import Key
from penstock.source.dialect import POSTGRESQL
from penstock.source.flag_table import FlagTable
from penstock.source.keyset import one_of

# A CASE for every value of `flag.set` is walked through for every row: few rows at a time keep that cheap.
MOST_ROWS_WITH_VALUES = 100
# PostgreSQL's FOR UPDATE would pass over rows that others merely refer to.
_LOCK = {POSTGRESQL: "FOR NO KEY UPDATE"}


class Write(NamedTuple):
    """SQL text and the values of its placeholders."""

    text: str
    values: tuple[object, ...]


def set_flags(flag: FlagTable, keys: Sequence[Key], further: Sequence[Mapping[str, object]]) -> Write:
    """further: for each key, the other columns of its row and their values; the same columns for all."""
    assignments = [f"{flag.column_sql(flag.column)} = {flag.set_to}", *_pins(flag)]
    values: list[object] = []
    for column in further[0] if further else ():
        name = flag.column_sql(column)
        each = [row[column] for row in further]
        if all(value == each[0] for value in each):
            assignments.append(f"{name} = {_hole(flag, column)}")
            values.append(_bound(flag, each[0]))
        else:
            cases = [_case(flag, column, key, value) for key, value in zip(keys, each, strict=True)]
            assignments.append(f"{name} = CASE {' '.join(case.text for case in cases)} ELSE {name} END")
            values += [value for case in cases for value in case.values]
    return _update(flag, assignments, keys, values)


def clear_flags(flag: FlagTable, keys: Sequence[Key]) -> Write:
    return _update(flag, [f"{flag.column_sql(flag.column)} = {flag.cleared_to}", *_pins(flag)], keys, [])


def find_rows(flag: FlagTable, keys: Sequence[Key], *, and_lock: bool) -> Write:
    """The keys among these that the table has; with and_lock: that nobody else holds, and now held by this transaction."""
    wanted = one_of(flag.dialect, flag.key, keys)
    lock = f" {_LOCK.get(flag.dialect, 'FOR UPDATE')} SKIP LOCKED" if and_lock else ""
    shown = ", ".join(column.shown for column in flag.key)
    text = f"SELECT {shown} FROM {flag.sql} WHERE {wanted.text}{lock}"
    return Write(flag.dialect.complete(text), wanted.values)


def find_unset(flag: FlagTable, keys: Sequence[Key]) -> Write:
    """The keys of rows among these whose flag is not set."""
    wanted = one_of(flag.dialect, flag.key, keys)
    shown = ", ".join(column.shown for column in flag.key)
    text = f"SELECT {shown} FROM {flag.sql} WHERE COALESCE(NOT ({flag.is_set}), TRUE) AND {wanted.text}"
    return Write(flag.dialect.complete(text), wanted.values)


def _pins(flag: FlagTable) -> list[str]:
    # An assignment of its own keeps an ON UPDATE CURRENT_TIMESTAMP column as it is.
    return [f"{flag.column_sql(name)} = {flag.column_sql(name)}" for name in flag.pinned]


def _case(flag: FlagTable, column: str, key: Key, value: object) -> Write:
    wanted = one_of(flag.dialect, flag.key, [key])
    return Write(f"WHEN {wanted.text} THEN {_hole(flag, column)}", (*wanted.values, _bound(flag, value)))


def _hole(flag: FlagTable, column: str) -> str:
    hole = flag.dialect.placeholder
    return f"CAST(CAST({hole} AS text) AS {flag.casts[column]})" if column in flag.casts else hole


def _bound(flag: FlagTable, value: object) -> object:
    """As text where the server casts it: a receipt of digits for a column of numbers."""
    if not flag.casts or value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str) if isinstance(value, bool | list | dict) else str(value)


def _update(flag: FlagTable, assignments: Sequence[str], keys: Sequence[Key], values: Sequence[object]) -> Write:
    wanted = one_of(flag.dialect, flag.key, keys)
    text = f"UPDATE {flag.sql} SET {', '.join(assignments)} WHERE {wanted.text}"
    return Write(flag.dialect.complete(text), (*values, *wanted.values))

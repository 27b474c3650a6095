"""Conditions on keys and the order of keys, as SQL text with placeholders. Pure: only the database ever compares keys.

Values come beside the text, in the order of the placeholders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from penstock.rows import Key, KeyValue
from penstock.source.columns import ColumnKind
from penstock.source.dialect import Bound, Dialect

# MariaDB makes a temporary table of an IN list of 1,000 (in_predicate_conversion_threshold); SQLite once took 999 values.
MOST_VALUES = 999
# An ENUM of more is compared as a range, which costs MySQL a walk through the index from its start.
_MOST_MEMBERS = 100


class KeyColumn(NamedTuple):
    """compared: its SQL in conditions and in ORDER BY, "`o`.`id`". shown: in a select list, as the value that is bound again.
    members: how many an ENUM has; 0 for all others, and where that is not known."""

    compared: str
    shown: str
    members: int = 0


def key_column(sql: str, kind: ColumnKind, members: int) -> KeyColumn:
    """sql: what names it there. ENUM and SET sort by a number, not by the text that they show."""
    match kind:
        case ColumnKind.ENUM:
            return KeyColumn(sql, f"CAST({sql} AS UNSIGNED)", members)
        case ColumnKind.SET:
            # Compared as it is, a SET with its 64th member is less than nothing.
            return KeyColumn(f"CAST({sql} AS UNSIGNED)", f"CAST({sql} AS UNSIGNED)")
        case _:
            return KeyColumn(sql, sql)


class Condition(NamedTuple):
    """SQL text and the values of its placeholders."""

    text: str
    values: tuple[Bound, ...]


EVERYTHING = Condition("1 = 1", ())


def between(dialect: Dialect, columns: Sequence[KeyColumn], after: Key | None, upto: Key | None) -> Condition:
    """after < key <= upto; None leaves that side open."""
    parts = []
    if after is not None:
        parts.append(_beyond(dialect, columns, after, ">", ">"))
    if upto is not None:
        parts.append(_beyond(dialect, columns, upto, "<", "<="))
    if not parts:
        return EVERYTHING
    return Condition(" AND ".join(part.text for part in parts), tuple(value for part in parts for value in part.values))


def one_of(dialect: Dialect, columns: Sequence[KeyColumn], keys: Sequence[Key]) -> Condition:
    """key IN (keys). At most MOST_VALUES values in all: see `chunks`."""
    if len(columns) == 1 and dialect.takes_lists:
        return Condition(f"{columns[0].compared} = ANY ({dialect.placeholder})", ([key[0] for key in keys],))
    if len(columns) == 1 and {type(key[0]) for key in keys} == {int}:
        # As they are: a driver that puts values into the text itself takes longer over these than over all the rest of a batch.
        return Condition(f"{columns[0].compared} IN ({', '.join([str(value) for (value,) in keys])})", ())
    bound = [[dialect.bind(value) for value in key] for key in keys]
    values = tuple(value for key in bound for _, value in key)
    if len(columns) == 1:
        return Condition(f"{columns[0].compared} IN ({', '.join([hole for [(hole, _)] in bound])})", values)
    # Not (a, b) IN (...): old servers scan the whole index for it.
    same = [
        " AND ".join(f"{column.compared} = {hole}" for column, (hole, _) in zip(columns, key, strict=True))
        for key in bound
    ]
    return Condition("((" + ") OR (".join(same) + "))", values)


def chunks(keys: Sequence[Key], width: int) -> Iterator[Sequence[Key]]:
    """The keys in portions that one statement takes. width: columns of a key."""
    size = most_keys(width)
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def most_keys(width: int) -> int:
    """How many keys of so many columns one statement takes."""
    return MOST_VALUES // width


def _beyond(dialect: Dialect, columns: Sequence[KeyColumn], key: Key, strict: str, last: str) -> Condition:
    """Rows on one side of a key: (a > x OR (a = x AND b > y)). strict: for all columns but the last one."""
    if len(columns) > 1 and dialect.compares_rows:
        holes, values = zip(*map(dialect.bind, key), strict=True)
        return Condition(f"({', '.join(column.compared for column in columns)}) {last} ({', '.join(holes)})", values)
    texts: list[str] = []
    bound: list[Bound] = []
    for depth, (column, value) in enumerate(zip(columns, key, strict=True)):
        equal = [_compare(dialect, before, "=", same) for before, same in zip(columns[:depth], key, strict=False)]
        side = _compare(dialect, column, last if depth == len(columns) - 1 else strict, value)
        texts.append(" AND ".join(part.text for part in (*equal, side)))
        bound += [each for part in (*equal, side) for each in part.values]
    return Condition(texts[0] if len(texts) == 1 else "((" + ") OR (".join(texts) + "))", tuple(bound))


def _compare(dialect: Dialect, column: KeyColumn, operator: str, value: KeyValue) -> Condition:
    numbers = _members_beyond(column, operator, value)
    if numbers:
        return Condition(f"{column.compared} IN ({', '.join(map(str, numbers))})", ())
    hole, bound = dialect.bind(value)
    return Condition(f"{column.compared} {operator} {hole}", (bound,))


def _members_beyond(column: KeyColumn, operator: str, value: KeyValue) -> range:
    """The numbers of an ENUM's members on that side: MySQL finds equal ones by an index, and greater ones not."""
    if not isinstance(value, int) or not 0 < column.members <= _MOST_MEMBERS:
        return range(0)
    match operator:
        case ">":
            return range(value + 1, column.members + 1)
        case "<":
            return range(value)  # 0: the text that was no member when it was written
        case "<=":
            return range(value + 1)
        case _:
            return range(0)

"""Conditions on keys and the order of keys, as SQL text with placeholders. Pure: only the database ever compares keys.

Each key column is the SQL that names it ("`o`.`id`"); values come beside the text, in the order of the placeholders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from penstock.rows import Key, KeyValue
from penstock.source.dialect import Dialect

# MariaDB turns longer IN lists into a temporary table (in_predicate_conversion_threshold); SQLite once took 999 values.
MOST_VALUES = 900


class Condition(NamedTuple):
    """SQL text and the values of its placeholders."""

    text: str
    values: tuple[KeyValue, ...]


EVERYTHING = Condition("1 = 1", ())


def between(dialect: Dialect, columns: Sequence[str], after: Key | None, upto: Key | None) -> Condition:
    """after < key <= upto; None leaves that side open."""
    parts = []
    if after is not None:
        parts.append(_beyond(dialect, columns, after, ">", ">"))
    if upto is not None:
        parts.append(_beyond(dialect, columns, upto, "<", "<="))
    if not parts:
        return EVERYTHING
    return Condition(" AND ".join(part.text for part in parts), tuple(value for part in parts for value in part.values))


def one_of(dialect: Dialect, columns: Sequence[str], keys: Sequence[Key]) -> Condition:
    """key IN (keys). At most MOST_VALUES values in all: see `chunks`."""
    bound = [[dialect.bind(value) for value in key] for key in keys]
    values = tuple(value for key in bound for _, value in key)
    if len(columns) == 1:
        return Condition(f"{columns[0]} IN ({', '.join([hole for [(hole, _)] in bound])})", values)
    # Not (a, b) IN (...): old servers scan the whole index for it.
    same = [" AND ".join(f"{column} = {hole}" for column, (hole, _) in zip(columns, key, strict=True)) for key in bound]
    return Condition("((" + ") OR (".join(same) + "))", values)


def chunks(keys: Sequence[Key], width: int) -> Iterator[Sequence[Key]]:
    """The keys in portions that one statement takes. width: columns of a key."""
    size = MOST_VALUES // width
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _beyond(dialect: Dialect, columns: Sequence[str], key: Key, strict: str, last: str) -> Condition:
    """Rows on one side of a key: (a > x OR (a = x AND b > y)). strict: for all columns but the last one."""
    holes, values = zip(*map(dialect.bind, key), strict=True)
    if len(columns) == 1:
        return Condition(f"{columns[0]} {last} {holes[0]}", values)
    if dialect.compares_rows:
        return Condition(f"({', '.join(columns)}) {last} ({', '.join(holes)})", values)
    texts: list[str] = []
    repeated: list[KeyValue] = []
    for depth, column in enumerate(columns):
        operator = last if depth == len(columns) - 1 else strict
        equal = "".join(f"{before} = {hole} AND " for before, hole in zip(columns[:depth], holes, strict=False))
        texts.append(f"({equal}{column} {operator} {holes[depth]})")
        repeated += values[: depth + 1]
    return Condition("(" + " OR ".join(texts) + ")", tuple(repeated))

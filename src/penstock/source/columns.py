"""What is known of each column of the query before a row is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from penstock.rows import Unreadable

# Driver value → row value. Never called with None.
Converter: TypeAlias = Callable[[object], object]


class ColumnKind(StrEnum):
    """What a value means, whatever the database calls it. docs/reference/types.md is the table for people."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"  # single precision
    DOUBLE = "double"
    TEXT = "text"
    BYTES = "bytes"
    DATE = "date"
    DATETIME = "datetime"  # without a zone: job.source.timezone says which
    INSTANT = "instant"  # TIMESTAMP: a moment, whatever the zone
    TIME = "time"
    JSON = "json"
    ENUM = "enum"
    SET = "set"
    BITS = "bits"
    SHAPE = "shape"  # GEOMETRY
    BOOLEAN = "boolean"
    LIST = "list"  # an array of PostgreSQL's, of one of the kinds above
    PRINTED = "printed"  # as the server writes it: a type that has no form of its own here
    STORED = "stored"  # as the database gives it


# Kinds that sort and compare by a number, not by the text that they show.
NUMBERED = frozenset({ColumnKind.ENUM, ColumnKind.SET})
# Kinds that can name a row.
KEY_KINDS = NUMBERED | {
    ColumnKind.INTEGER,
    ColumnKind.DECIMAL,
    ColumnKind.TEXT,
    ColumnKind.BYTES,
    ColumnKind.DATE,
    ColumnKind.DATETIME,
    ColumnKind.INSTANT,
    ColumnKind.TIME,
    ColumnKind.STORED,
}


@dataclass(frozen=True, slots=True)
class Column:
    """nullable: None if nothing is known. most_bytes: of one value; None: no limit is known. scale: digits after the point.
    members: of an ENUM whose table is known, how many; else 0. of_elements: of a LIST."""

    name: str
    kind: ColumnKind
    nullable: bool | None = None
    most_bytes: int | None = None
    scale: int | None = None
    members: int = 0
    of_elements: ColumnKind | None = None


@dataclass(frozen=True, slots=True)
class TypeRules:
    """zone: of date-times that have none; None: the job names none. zero_dates_are_null: what 0000-00-00 means."""

    zone: ZoneInfo | None
    zero_dates_are_null: bool

    def no_date(self, text: str) -> Unreadable | None:
        """For a value that is no date of the calendar: 0000-00-00, 2016-00-00, 2023-02-30."""
        if "-00" not in text[:10]:
            return Unreadable(f"{text!r} is no date of the calendar; make it one, or NULL, in the query")
        if self.zero_dates_are_null:
            return None
        return Unreadable(f"{text!r} is no date; set source.zero_dates: null, or make it NULL in the query")

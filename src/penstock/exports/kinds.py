"""What type a key's column has in a table whose columns have types: the narrowest that holds every value exactly. Pure.

The rows come one after the other, so a type is found as far as they have come; a later value may ask for a wider one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from uuid import UUID

from penstock.rows import Key, KeyValue

MOST_DIGITS = 38  # of a DECIMAL of 128 bits


class Kind(StrEnum):
    NOTHING = "nothing"  # no value yet
    SIGNED = "signed"  # integers of 64 bits
    UNSIGNED = "unsigned"  # the same from 0 on, beyond what signed ones reach
    DECIMAL = "decimal"
    TEXT = "text"
    BYTES = "bytes"
    DATE = "date"
    MOMENT = "moment"  # a date-time without a zone
    INSTANT = "instant"  # one that has a zone


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """whole, places: the most digits before and behind the point; of DECIMAL and integers. is_negative: some value is."""

    kind: Kind
    whole: int = 0
    places: int = 0
    is_negative: bool = False


NOTHING = ColumnKind(Kind.NOTHING)
TEXT = ColumnKind(Kind.TEXT)


def widened(columns: Sequence[ColumnKind], keys: Iterable[Key]) -> tuple[ColumnKind, ...]:
    """The columns' kinds once they hold these keys, too."""
    return tuple(
        reduce(_wider, map(_of_value, values), column)
        for column, values in zip(columns, zip(*keys, strict=True), strict=True)
    )


def _of_value(value: KeyValue) -> ColumnKind:
    match value:
        case int():
            kind = Kind.SIGNED if -(2**63) <= value < 2**63 else Kind.UNSIGNED if 0 <= value < 2**64 else Kind.DECIMAL
            return _number(kind, len(str(abs(value))), 0, is_negative=value < 0)
        case Decimal():
            exponent = value.as_tuple().exponent
            places = max(0, -exponent) if isinstance(exponent, int) else 0
            return _number(Kind.DECIMAL, max(1, value.adjusted() + 1), places, is_negative=value < 0)
        case bytes():
            return ColumnKind(Kind.BYTES)
        case datetime():
            return ColumnKind(Kind.MOMENT if value.tzinfo is None else Kind.INSTANT)
        case date():
            return ColumnKind(Kind.DATE)
        case str() | UUID():
            return TEXT


_NUMBERS = (Kind.SIGNED, Kind.UNSIGNED, Kind.DECIMAL)


def _wider(one: ColumnKind, other: ColumnKind) -> ColumnKind:
    if one.kind is Kind.NOTHING or one == other:
        return other
    if one.kind in _NUMBERS and other.kind in _NUMBERS:
        return _wider_number(one, other)
    return one if one.kind is other.kind else TEXT


def _wider_number(one: ColumnKind, other: ColumnKind) -> ColumnKind:
    whole, places = max(one.whole, other.whole), max(one.places, other.places)
    is_negative = one.is_negative or other.is_negative
    kind = max(one.kind, other.kind, key=_NUMBERS.index)
    if kind is Kind.UNSIGNED and is_negative:
        kind = Kind.DECIMAL
    return _number(kind, whole, places, is_negative=is_negative)


def _number(kind: Kind, whole: int, places: int, *, is_negative: bool) -> ColumnKind:
    if kind is Kind.DECIMAL and whole + places > MOST_DIGITS:
        return TEXT
    return ColumnKind(kind, whole, places, is_negative)

"""SQLite: values have types, columns only preferences. What a table declares is followed where the stored value allows it.

The driver gives int, float, str, bytes.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Context, Decimal

from penstock.source.columns import Column, ColumnKind, Converter, TypeRules
from penstock.source.mysql_types import parse_json

# By SQLite's rules of affinity these are REAL.
_REAL = ("REAL", "FLOA", "DOUB")
# Digits before and behind the point beyond which nothing is padded with zeros.
_LARGE = 100
_PRECISE = Context(prec=2 * _LARGE)
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*\d+\s*,\s*(\d+)\s*\)", re.IGNORECASE)


def column_of(name: str, declared: str | None, *, not_null: bool = False) -> Column:
    """declared: as in CREATE TABLE; None where the column is an expression."""
    word = re.split(r"[\s(]", declared or "", maxsplit=1)[0].upper()
    decimal = _DECIMAL.match(declared or "")
    kind = {
        "DATE": ColumnKind.DATE,
        "DATETIME": ColumnKind.DATETIME,
        "TIMESTAMP": ColumnKind.DATETIME,
        "JSON": ColumnKind.JSON,
    }.get(word, ColumnKind.DECIMAL if decimal else ColumnKind.DOUBLE if _is_real(word) else ColumnKind.STORED)
    return Column(
        name, kind, nullable=None if declared is None else not not_null, scale=int(decimal[1]) if decimal else None
    )


def converter_of(column: Column, rules: TypeRules) -> Converter | None:
    """None: the stored value is the row's."""
    match column.kind:
        case ColumnKind.DATE:
            return lambda value: _date(value, rules) if isinstance(value, str) else value
        case ColumnKind.DATETIME:
            return lambda value: _datetime(value, rules) if isinstance(value, str) else value
        case ColumnKind.JSON:
            return parse_json
        case ColumnKind.DECIMAL if column.scale:
            step = Decimal(1).scaleb(-column.scale)
            return lambda value: _decimal(value, step) if isinstance(value, int | float) else value
        case _:
            return None


def decimal_key(value: object) -> object:
    """What was written as 12.5 into a DECIMAL column is stored as a floating-point number, and found again by it: see `bind`."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def _is_real(word: str) -> bool:
    return any(name in word for name in _REAL) and not any(
        name in word for name in ("INT", "CHAR", "CLOB", "TEXT", "BLOB")
    )


def _date(text: str, rules: TypeRules) -> object:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return rules.no_date(text)


def _datetime(text: str, rules: TypeRules) -> object:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return rules.no_date(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=rules.zone)


def _decimal(value: float, step: Decimal) -> object:
    """12.5 declared DECIMAL(10,2) is 12.50; a number with more digits keeps them."""
    number = Decimal(repr(value))
    if not number.is_finite():
        return value
    padded = (
        number.quantize(step, context=_PRECISE) if number.adjusted() < _LARGE and step.adjusted() > -_LARGE else number
    )
    return padded if padded == number else number

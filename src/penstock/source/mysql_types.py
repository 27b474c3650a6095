"""MySQL and MariaDB: what the server says of a column, and how the driver's values become a row's.

asyncmy gives int, Decimal, float, str, bytes, date, datetime, timedelta; a date that is none comes as text.
"""

from __future__ import annotations

import json
import re
import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from penstock.database.fetch import FieldPacket
from penstock.rows import Unreadable, time_text
from penstock.source.catalog import TableColumn
from penstock.source.columns import Column, ColumnKind, Converter, TypeRules

_NOT_NULL, _ENUM, _SET = 0x1, 0x100, 0x800
_BINARY_CHARSET = 63

_KINDS = {
    1: ColumnKind.INTEGER,  # TINYINT, BOOL
    2: ColumnKind.INTEGER,
    3: ColumnKind.INTEGER,
    8: ColumnKind.INTEGER,
    9: ColumnKind.INTEGER,
    13: ColumnKind.INTEGER,  # YEAR
    0: ColumnKind.DECIMAL,
    246: ColumnKind.DECIMAL,
    4: ColumnKind.FLOAT,
    5: ColumnKind.DOUBLE,
    7: ColumnKind.INSTANT,
    10: ColumnKind.DATE,
    14: ColumnKind.DATE,
    11: ColumnKind.TIME,
    12: ColumnKind.DATETIME,
    16: ColumnKind.BITS,
    245: ColumnKind.JSON,
    247: ColumnKind.ENUM,
    248: ColumnKind.SET,
    255: ColumnKind.SHAPE,
}
_MEMBER = re.compile(r"'(?:[^']|'')*'")
_SINGLE = struct.Struct("f")
_LEAST_NORMAL = 2.0**-126  # below, a FLOAT has fewer digits the smaller it is


def column_of(field: FieldPacket, declared: TableColumn | None) -> Column:
    """declared: the table column behind it, if there is one. MariaDB has no type for JSON: that is text with a check."""
    kind = ColumnKind.JSON if declared is not None and declared.is_json else _kind(field)
    return Column(
        name=field.name,
        kind=kind,
        nullable=not field.flags & _NOT_NULL,
        most_bytes=field.length,
        scale=field.scale,
        members=len(_MEMBER.findall(declared.declared)) if declared and kind is ColumnKind.ENUM else 0,
    )


def _kind(field: FieldPacket) -> ColumnKind:
    if field.flags & _ENUM:
        return ColumnKind.ENUM
    if field.flags & _SET:
        return ColumnKind.SET
    text = ColumnKind.BYTES if field.charsetnr == _BINARY_CHARSET else ColumnKind.TEXT
    return _KINDS.get(field.type_code, text)


def converter_of(column: Column, rules: TypeRules) -> Converter | None:
    """None: the driver's value is the row's."""
    match column.kind:
        case ColumnKind.FLOAT:
            return shortest_single
        case ColumnKind.DATE:
            return lambda value: value if isinstance(value, date) else rules.no_date(str(value))
        case ColumnKind.DATETIME:
            zone = rules.zone
            if zone is None:
                return lambda value: value if isinstance(value, datetime) else rules.no_date(str(value))
            return lambda value: (
                value.replace(tzinfo=zone) if isinstance(value, datetime) else rules.no_date(str(value))
            )
        case ColumnKind.INSTANT:
            return lambda value: _instant(value, rules)
        case ColumnKind.TIME:
            return lambda value: time_text(value) if isinstance(value, timedelta) else value
        case ColumnKind.JSON:
            return parse_json
        case ColumnKind.SET:
            return lambda value: tuple(str(value).split(",")) if value else ()
        case ColumnKind.BITS:
            return lambda value: int.from_bytes(value, "big") if isinstance(value, bytes) else value
        case _:
            return None


def _instant(value: object, rules: TypeRules) -> object:
    if not isinstance(value, datetime):
        return rules.no_date(str(value))
    moment = value.replace(tzinfo=UTC)  # the session's zone
    return moment if rules.zone is None else moment.astimezone(rules.zone)


def shortest_single(value: object) -> object:
    """The shortest number that is this FLOAT: 5.2, where its value as a DOUBLE is 5.199999809265137."""
    if not isinstance(value, float):
        return value
    exact = _SINGLE.pack(value)
    for digits in range(6 if abs(value) >= _LEAST_NORMAL else 1, 9):
        short = float(f"{value:.{digits}g}")
        if _SINGLE.pack(short) == exact:
            return short
    return float(f"{value:.9g}")


def parse_json(value: object) -> object:
    """Numbers keep every digit: 1.0 stays 1.0, and what is beyond a double is not rounded. Unreadable for what is no JSON, or
    names two values alike: one of them would be lost."""
    if not isinstance(value, str | bytes):
        return value
    try:
        return _JSON.decode(value if isinstance(value, str) else value.decode())
    except (ValueError, RecursionError) as error:
        return Unreadable(f"the text is no JSON for certain: {error}")


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    named = dict(pairs)
    if len(named) < len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twin!r} stands twice in one object")
    return named


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_without_twins)

"""PostgreSQL: what the server says of a column, and how the driver's values become a row's.

penstock.database.postgresql_values says how the driver gives them: int, Decimal, float, bool, str, bytes, date, datetime,
lists of these; Unreadable for a moment that Python has no form for.
"""

from __future__ import annotations

import re
from datetime import datetime

from penstock.rows import Unreadable
from penstock.source.columns import Column, ColumnKind, Converter, TypeRules
from penstock.source.mysql_types import parse_json, shortest_single
from penstock.source.postgresql_catalog import ServerType

# Of pg_catalog alone: an extension may call its own type `date`.
_KINDS = {
    "int2": ColumnKind.INTEGER,
    "int4": ColumnKind.INTEGER,
    "int8": ColumnKind.INTEGER,
    "oid": ColumnKind.INTEGER,
    "numeric": ColumnKind.DECIMAL,
    "float4": ColumnKind.FLOAT,
    "float8": ColumnKind.DOUBLE,
    "bool": ColumnKind.BOOLEAN,
    "text": ColumnKind.TEXT,
    "varchar": ColumnKind.TEXT,
    "bpchar": ColumnKind.TEXT,
    "name": ColumnKind.TEXT,
    "uuid": ColumnKind.TEXT,
    "inet": ColumnKind.TEXT,
    "cidr": ColumnKind.TEXT,
    "macaddr": ColumnKind.TEXT,
    "macaddr8": ColumnKind.TEXT,
    "bytea": ColumnKind.BYTES,
    "date": ColumnKind.DATE,
    "timestamp": ColumnKind.DATETIME,
    "timestamptz": ColumnKind.INSTANT,
    "time": ColumnKind.TIME,
    "timetz": ColumnKind.TIME,
    "interval": ColumnKind.TIME,
    "json": ColumnKind.JSON,
    "jsonb": ColumnKind.JSON,
    "bit": ColumnKind.BITS,
    "varbit": ColumnKind.BITS,
}
# Bytes of any value of these, text at four bytes a character.
_MOST_BYTES = {
    "int2": 8,
    "int4": 12,
    "int8": 20,
    "oid": 12,
    "float4": 8,
    "float8": 8,
    "bool": 1,
    "name": 4 * 63,
    "uuid": 4 * 36,
    "inet": 4 * 50,
    "cidr": 4 * 50,
    "macaddr": 4 * 17,
    "macaddr8": 4 * 23,
    "date": 13,
    "timestamp": 26,
    "timestamptz": 32,
    "time": 15,
    "timetz": 21,
}
_LONGEST_LABEL = 63
_IN_PARENTHESES = re.compile(r"\((\d+)(?:,(-?\d+))?\)")


def column_of(name: str, server_type: ServerType, declared: str | None, *, nullable: bool | None) -> Column:
    """declared: "character varying(20)", where a table's column stands behind it; else None, and lengths are not known."""
    numbers = _IN_PARENTHESES.search(declared or "")
    return Column(
        name=name,
        kind=kind_of(server_type),
        nullable=nullable,
        most_bytes=_most_bytes(server_type, int(numbers[1]) if numbers else None),
        scale=int(numbers[2]) if numbers and numbers[2] else None,
        of_elements=kind_of(server_type.element) if server_type.element else None,
    )


def kind_of(server_type: ServerType) -> ColumnKind:
    if server_type.element is not None:
        is_known = kind_of(server_type.element) not in (ColumnKind.PRINTED, ColumnKind.LIST)
        return ColumnKind.LIST if is_known else ColumnKind.PRINTED
    if server_type.kind == "e" or server_type.name == "citext":
        # An enum is ordered and compared by its place in the list, and named by its label: the server sees to both.
        return ColumnKind.TEXT
    if server_type.schema != "pg_catalog":
        return ColumnKind.PRINTED
    return _KINDS.get(server_type.name, ColumnKind.PRINTED)


def converter_of(column: Column, rules: TypeRules) -> Converter | None:
    """None: the driver's value is the row's."""
    if column.kind is not ColumnKind.LIST or column.of_elements is None:
        return _converter(column.kind, rules)
    convert = _converter(column.of_elements, rules)
    return None if convert is None else lambda value: _each(value, convert)


def _converter(kind: ColumnKind, rules: TypeRules) -> Converter | None:
    match kind:
        case ColumnKind.FLOAT:
            return shortest_single
        case ColumnKind.DATETIME:
            return lambda value: value.replace(tzinfo=rules.zone) if isinstance(value, datetime) else value
        case ColumnKind.INSTANT if rules.zone is not None:
            return lambda value: _instant(value, rules)
        case ColumnKind.JSON:
            return parse_json
        case _:
            return None


def _instant(value: object, rules: TypeRules) -> object:
    if not isinstance(value, datetime):
        return value
    try:
        return value.astimezone(rules.zone)
    except OverflowError:  # in the last hours of the year 9999
        return value


def _each(value: object, convert: Converter) -> object:
    """The elements of an array, of any number of dimensions. One that has no form makes the whole array have none."""
    if not isinstance(value, list):
        return None if value is None else convert(value)
    elements = [_each(element, convert) for element in value]
    return next((element for element in elements if isinstance(element, Unreadable)), elements)


def _most_bytes(server_type: ServerType, number: int | None) -> int | None:
    if server_type.kind == "e":
        return 4 * _LONGEST_LABEL
    if server_type.element is not None or server_type.schema != "pg_catalog":
        return None
    if number is not None and server_type.name in ("varchar", "bpchar"):
        return 4 * number
    if number is not None and server_type.name in ("numeric", "bit", "varbit"):
        return number + 3
    return _MOST_BYTES.get(server_type.name)

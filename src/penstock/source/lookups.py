"""Rows by keys that come from elsewhere, whatever type they have there: 42 for a column of text, "42" for one of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import product
from uuid import UUID

from penstock.rows import Key, KeyValue, match_text
from penstock.source.columns import ColumnKind
from penstock.source.dialect import MYSQL, POSTGRESQL, Dialect

_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_LARGEST_UNSIGNED = 2**64 - 1


def bindings(key: Sequence[object], kinds: Sequence[ColumnKind], dialect: Dialect) -> list[Key]:
    """The key as columns of these kinds may hold it: none if they cannot, several where the database keeps types by value."""
    if len(key) == 1:
        return [(form,) for form in _forms(key[0], kinds[0], dialect)]
    return [
        tuple(each) for each in product(*(_forms(value, kind, dialect) for value, kind in zip(key, kinds, strict=True)))
    ]


def _forms(value: object, kind: ColumnKind, dialect: Dialect) -> list[KeyValue]:
    if value is None:
        return []
    form = _FORMS.get(kind)
    if kind is ColumnKind.TEXT:
        return _texts(value, dialect)
    if form is not None:
        made = form(value, dialect)
        return [] if made is None else [made]
    # A text may be how a walk has told bytes.
    forms = [_integer(value, dialect), *_texts(value, dialect), _bytes(value, dialect)]
    return [each for each in forms if each is not None]


def _texts(value: object, dialect: Dialect) -> list[KeyValue]:
    """A UUID is told in either case, and not every collation takes these for the same."""
    text = _text(value, dialect)
    if text is None:
        return []
    uuid = _uuid(value)
    return [text] if uuid is None else list(dict.fromkeys([text, str(uuid), str(uuid).upper()]))


def _uuid(value: object) -> UUID | None:
    if isinstance(value, UUID):
        return value
    if isinstance(value, bytes) and len(value) == 16:
        return UUID(bytes=value)
    if isinstance(value, str) and len(value) == 36:
        try:
            return UUID(value)
        except ValueError:
            return None
    return None


def _integer(value: object, dialect: Dialect) -> int | None:
    number = value if type(value) is int else _number(value)
    largest = _LARGEST_UNSIGNED if dialect == MYSQL else _LARGEST
    # The bounds first: 1e999999 has more digits than memory holds.
    if number is None or not _SMALLEST <= number <= largest or number != int(number):
        return None
    return int(number)


def _decimal(value: object, _: Dialect) -> Decimal | None:
    return _number(value)


def _number(value: object) -> Decimal | None:
    if isinstance(value, str) and (value != value.strip() or "_" in value):
        return None
    try:
        number = Decimal(value) if isinstance(value, int | float | str | Decimal) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _text(value: object, dialect: Dialect) -> str | None:
    if isinstance(value, str):
        return None if "\0" in value and dialect == POSTGRESQL else value  # which takes one for an error
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return match_text((value,))  # a whole DECIMAL is the text of an integer: 42.0 would be found nowhere
    if isinstance(value, int | UUID):
        return str(int(value) if isinstance(value, bool) else value)
    return value.isoformat() if isinstance(value, date) else None


def _bytes(value: object, _: Dialect) -> bytes | None:
    uuid = _uuid(value)
    if uuid is not None:
        return uuid.bytes
    if isinstance(value, str):
        try:
            return bytes.fromhex(value)
        except ValueError:
            return None
    return value if isinstance(value, bytes) else None


def _no_date(value: object, dialect: Dialect) -> str | None:
    """0000-00-00, which MySQL holds and Python does not."""
    return value if isinstance(value, str) and dialect == MYSQL and value.startswith("0000-") else None


def _date(value: object, dialect: Dialect) -> date | str | None:
    if (none := _no_date(value, dialect)) is not None:
        return none
    moment = _moment(value, dialect)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return moment.date() if moment is not None and moment.time() == datetime.min.time() else None


def _moment(value: object, _: Dialect) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else None  # noqa: DTZ001  # a day has no zone


def _moment_or_none(value: object, dialect: Dialect) -> datetime | str | None:
    return _no_date(value, dialect) or _local(value, dialect)


def _local(value: object, dialect: Dialect) -> datetime | None:
    """Without a zone, as `match_text` tells one that has one: PostgreSQL's driver takes no other, and MySQL's drops the zone."""
    moment = _moment(value, dialect)
    return moment if moment is None or moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _instant(value: object, dialect: Dialect) -> datetime | None:
    """Sessions of MySQL's are in UTC; PostgreSQL's driver refuses a moment without a zone beside one with."""
    moment = _local(value, dialect)
    return moment.replace(tzinfo=UTC) if moment is not None and dialect == POSTGRESQL else moment


_FORMS: dict[ColumnKind, Callable[[object, Dialect], KeyValue | None]] = {
    ColumnKind.INTEGER: _integer,
    ColumnKind.DECIMAL: _decimal,
    ColumnKind.BYTES: _bytes,
    ColumnKind.DATE: _date,
    ColumnKind.DATETIME: _moment_or_none,
    ColumnKind.INSTANT: _instant,
    ColumnKind.TIME: _text,
}

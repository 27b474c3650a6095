"""The forms in which a new store may keep what the old one calls a key: 42 as a number or a text, a UUID as one or as bytes.

All are asked for at once, so two different documents may answer to one key where a store holds both: 42 and "42", a text of 24
hexadecimal digits and the ObjectId of the same, 16 bytes and the UUID they make. Which of them equals the key is not judged here.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from bson import ObjectId
from bson.binary import OLD_UUID_SUBTYPE, UUID_SUBTYPE, Binary
from bson.decimal128 import Decimal128

from penstock.rows import time_text

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]{0,30})\.[0-9]{1,30}", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}.*)?", re.ASCII)
_LARGEST = 2**63  # of BSON's integers
_EXACT = 34  # digits of a Decimal128


def forms_of(value: object, *, legacy: int, decimals: bool) -> list[object]:
    """What to ask MongoDB for. Numbers of one value are equal there whatever their type, so an integer is asked for as one alone.

    legacy: the order of bytes in UUIDs of the old kind. decimals: False for a server that does not know Decimal128.
    """
    if isinstance(value, bool):
        return [value]
    if isinstance(value, int):
        return [*_number(value, decimals), str(value)]
    if isinstance(value, str):
        return [value, *_of_text(value, legacy, decimals)]
    if isinstance(value, UUID):
        return [*_of_uuid(value, legacy), str(value), str(value).upper()]
    if isinstance(value, bytes):
        return [*_of_bytes(value)]
    if isinstance(value, Decimal):
        plain = format(value, "f")
        short = plain.rstrip("0").rstrip(".") if "." in plain else plain
        return [*_number(value, decimals), *dict.fromkeys((plain, short))]
    if isinstance(value, float):
        return [value, repr(value)]
    if isinstance(value, date):
        return [*_of_date(value)]
    if isinstance(value, timedelta):
        return [time_text(value)]
    return [str(value)]


def _number(value: int | Decimal, decimals: bool) -> Iterator[object]:
    if isinstance(value, int) and -_LARGEST <= value < _LARGEST:
        yield value
        return
    value = Decimal(value)
    if not value.is_finite():
        return
    if value == value.to_integral_value() and -_LARGEST <= value < _LARGEST:
        yield int(value)
        return
    if math.isfinite(float(value)):
        yield float(value)  # as most drivers store it; unequal to a Decimal128 of the same digits
    if decimals and len(value.as_tuple().digits) <= _EXACT:
        yield Decimal128(value)


def _of_text(text: str, legacy: int, decimals: bool) -> Iterator[object]:
    if _WHOLE.fullmatch(text) or _FRACTION.fullmatch(text):
        yield from _number(Decimal(text), decimals)
    elif _HEX.fullmatch(text):  # how bytes are told
        yield bytes.fromhex(text)
        if len(text) == 24:
            yield ObjectId(text)
    elif _UUID.fullmatch(text):
        yield from _of_uuid(UUID(text), legacy)
        yield from {text.lower(), text.upper()} - {text}
    elif _DATE.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return
        yield _aware(moment)


def _of_uuid(value: UUID, legacy: int) -> Iterator[object]:
    yield Binary(value.bytes, UUID_SUBTYPE)
    yield Binary.from_uuid(value, legacy)


def _of_bytes(value: bytes) -> Iterator[object]:
    yield value
    yield base64.b64encode(value).decode()  # as penstock sends them
    yield value.hex()
    if len(value) == 16:  # BINARY(16) is where MySQL keeps a UUID
        yield Binary(value, UUID_SUBTYPE)
        yield Binary(value, OLD_UUID_SUBTYPE)


def _of_date(value: date) -> Iterator[object]:
    """A text of it is found if it is ISO 8601 in the offset it has here or in UTC; a date-time if it is the same millisecond."""
    if not isinstance(value, datetime):
        yield datetime.combine(value, time(), UTC)
        yield value.isoformat()
        return
    aware = _aware(value)
    yield aware
    text = value.isoformat()
    yield text
    if value.tzinfo is None:
        yield text.replace("T", " ")
    in_utc = aware.replace(tzinfo=None).isoformat()
    yield in_utc + "Z"
    yield in_utc + "+00:00"


def _aware(moment: datetime) -> datetime:
    """MongoDB has moments alone, and drivers take one without an offset for UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

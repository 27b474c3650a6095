"""Rows and their keys.

A key has two forms. As *values* it is the tuple the database returned, one per key column, and is bound back into SQL
unchanged; only the database ever compares or orders it. As *text* it is canonical JSON, the primary key of the ledger:
`1042`, `"A-17"`, `["north",17]`. Two keys are the same row if and only if their texts are equal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple, TypeAlias
from uuid import UUID

KeyValue: TypeAlias = int | str | bytes | Decimal | date | datetime | UUID
Key: TypeAlias = tuple[KeyValue, ...]
KeyText: TypeAlias = str

# The ledger's key column holds this many characters; `check` refuses a source whose keys may be longer.
MAX_KEY_TEXT = 500


class Row(NamedTuple):
    """One row of the source query: its key as text, and its values in the order of the query's columns."""

    key: KeyText
    values: tuple[object, ...]


class Record(NamedTuple):
    """What a new store holds under one key: the key's values as they are there, and the values of the asked-for fields, in the
    asked-for order. A field that is absent reads as None."""

    key: tuple[object, ...]
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands in a row for a value that has no Python form (a zero date, bytes that are no text of the column's charset).
    A row fails only if its mapping uses it. reason: for people: "'0000-00-00' is no date; set source.zero_dates: null"."""

    reason: str


# Types that JSON does not know travel as a one-entry object that names them.
_TAGGED: dict[str, Callable[[str], KeyValue]] = {
    "bytes": bytes.fromhex,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "uuid": UUID,
}

_DECODER = json.JSONDecoder(parse_float=Decimal)


def encode_key(key: Sequence[object]) -> KeyText:
    """Key values → key text. Raises TypeError for NULL, FLOAT and other values that cannot name a row. A TIME becomes text, by
    which the database finds it as well."""
    if len(key) == 1:
        return _encode_value(key[0])
    return "[" + ",".join([_encode_value(value) for value in key]) + "]"


def decode_key(text: KeyText) -> Key:
    """Key text → the key values to bind. Raises ValueError if the text is not a key's."""
    if _is_plain_number(text):
        return (int(text),)
    parsed = _DECODER.decode(text)
    values = parsed if isinstance(parsed, list) else [parsed]
    return tuple(_decode_value(value, text) for value in values)


def decode_keys(texts: Sequence[KeyText]) -> list[Key]:
    """The same for many."""
    # _is_plain_number, without a call for each.
    return [
        (int(text),) if text.isdecimal() and text.isascii() and text[0] != "0" else decode_key(text) for text in texts
    ]


def _is_plain_number(text: KeyText) -> bool:
    """As most keys are: that alone makes reading one five times as fast."""
    return text.isdecimal() and text.isascii() and text[0] != "0"


def time_text(length: timedelta) -> str:
    """A TIME as MySQL writes it: -838:59:59, 00:00:01.500000. It may be longer than a day, so it is no time of day."""
    sign = "-" if length < timedelta(0) else ""
    minutes, seconds = divmod(abs(length), timedelta(minutes=1))
    fraction = f".{seconds.microseconds:06}" if seconds.microseconds else ""
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds.seconds:02}{fraction}"


def _encode_value(value: object) -> str:
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal) and value.is_finite():
        # A trailing ".0" keeps a whole DECIMAL apart from an integer, so that it is bound as a DECIMAL again.
        text = format(value, "f")
        return text if "." in text else text + ".0"
    if isinstance(value, bytes):
        return json.dumps({"bytes": value.hex()}, separators=(",", ":"))
    if isinstance(value, datetime):
        return json.dumps({"datetime": value.isoformat()}, separators=(",", ":"))
    if isinstance(value, date):
        return json.dumps({"date": value.isoformat()}, separators=(",", ":"))
    if isinstance(value, UUID):
        return json.dumps({"uuid": str(value)}, separators=(",", ":"))
    if isinstance(value, timedelta):
        return json.dumps(time_text(value))
    raise TypeError(
        f"{value!r} ({type(value).__name__}) cannot be a key: keys are integers, DECIMAL, text, bytes, dates, times or UUIDs"
    )


def _decode_value(value: object, text: KeyText) -> KeyValue:
    if isinstance(value, dict) and len(value) == 1:
        [(tag, content)] = value.items()
        if tag in _TAGGED and isinstance(content, str):
            return _TAGGED[tag](content)
    if isinstance(value, int | str | Decimal) and not isinstance(value, bool):
        return value
    raise ValueError(f"{text} is not the text of a key")


def match_text_of(key: KeyText) -> str:
    """The match_text of a row's key."""
    return key if _is_plain_number(key) else match_text(decode_key(key))


def match_text(key: Sequence[object]) -> str:
    """A key as text that is the same on both sides whatever the types there: 42, DECIMAL 42.00 and "42" are one key. Texts stay
    as they are, but for UUIDs: they are told in either case, and by their sixteen bytes, too."""
    if len(key) == 1:
        value = key[0]
        return str(value) if type(value) is int else _match_text(value)
    return json.dumps([_match_text(value) for value in key], ensure_ascii=False, separators=(",", ":"))


_UUID_LENGTH, _UUID_BYTES = 36, 16


def _match_text(value: object) -> str:
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        if len(value) == _UUID_LENGTH and value.count("-") == 4:
            return value.lower()
        return value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite():
        # By digits alone: arithmetic rounds to 28 of them, or refuses, and a DECIMAL has up to 65.
        text = format(value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    if isinstance(value, bytes):
        return str(UUID(bytes=value)) if len(value) == _UUID_BYTES else value.hex()
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)).isoformat()
    if isinstance(value, timedelta):
        return time_text(value)
    return value.isoformat() if isinstance(value, date | time) else str(value)

"""Keys between people and the ledger.

A person types 1042, A-17 or '["north",17]'. The ledger holds the key's text, in which the integer 17 and the text "17" differ;
so what was typed is first looked up under every key it could mean, then read the way the job's other keys are.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias
from uuid import UUID

import orjson

from penstock.rows import Key, KeyText, KeyValue, decode_key, encode_key

JsonScalar: TypeAlias = orjson.Fragment | str
JsonKey: TypeAlias = JsonScalar | list[JsonScalar]

# No exponent: 1e999999999 written out would fill the memory.
_NUMBER = re.compile(r"-?\d{1,65}(\.\d{1,30})?")


class FoundKey(NamedTuple):
    """What a person's key means. known: the ledger has a row of it."""

    key: KeyText
    known: bool


def key_candidates(typed: str) -> tuple[KeyText, ...]:
    """The keys that the typed text could mean, the likeliest first; never empty."""
    return tuple(dict.fromkeys(encode_key(key) for key in _readings(typed)))


async def find_key(typed: str, *, is_known: Callable[[KeyText], Awaitable[bool]], example: KeyText | None) -> FoundKey:
    """The key a person means. example: any key of the job, None if it has none yet."""
    candidates = key_candidates(typed)
    for candidate in candidates:
        if await is_known(candidate):
            return FoundKey(candidate, known=True)
    alike = [candidate for candidate in candidates if example is not None and _kinds(candidate) == _kinds(example)]
    return FoundKey((alike or candidates)[0], known=False)


def json_key(key: KeyText) -> JsonKey:
    """A key as `--json` prints it: a scalar, a list for composite keys; dates and UUIDs as ISO text, bytes as hex."""
    values = [_json_value(value) for value in decode_key(key)]
    return values if key.startswith("[") else values[0]


def plain_key(key: KeyText) -> str:
    """A key as a person types it (before the shell's quoting): among its candidates is the key again."""
    if key.startswith("["):
        return key
    [value] = decode_key(key)
    plain = _plain_value(value)
    # A text that reads like a number or a date is typed with its quotes, so that it is not taken for one.
    return key if isinstance(value, str) and key_candidates(plain)[0] != key else plain


def typed_key(key: KeyText) -> str:
    """A key as one word of a shell's command line."""
    return shlex.quote(plain_key(key))


def _readings(typed: str) -> Iterator[Key]:
    if _NUMBER.fullmatch(typed):
        yield from _parsed(typed)
    elif typed.startswith(('"', "[", "{")):
        yield from _parsed(typed)
        yield from _plain_list(typed)
    yield from ((value,) for value in _dated(typed))
    yield (typed,)
    if _NUMBER.fullmatch(typed):
        yield (Decimal(typed),)
    if re.fullmatch(r"([0-9a-fA-F]{2})+", typed):
        yield (bytes.fromhex(typed),)


def _parsed(typed: str) -> Iterator[Key]:
    """As the ledger writes it."""
    try:
        key = decode_key(typed)
    except (ValueError, RecursionError):
        return
    if key and not any(_is_huge(value) for value in key):
        yield key


def _plain_list(typed: str) -> Iterator[Key]:
    """A composite key whose dates and UUIDs are written plainly, as `--json` prints them."""
    for key in _parsed(typed):
        if typed.startswith("[") and json.loads(typed):
            yield tuple(next(_dated(value), value) if isinstance(value, str) else value for value in key)


def _is_huge(value: KeyValue) -> bool:
    return isinstance(value, Decimal) and abs(value.adjusted()) > 100


def _dated(text: str) -> Iterator[KeyValue]:
    """Only canonical spellings: 20240101 is rather a number, and 32 hex digits are rather text or bytes."""
    for read in (date.fromisoformat, datetime.fromisoformat, UUID):
        try:
            value = read(text)
        except ValueError:
            continue
        if text in (str(value), _plain_value(value)):
            yield value


def _kinds(key: KeyText) -> tuple[type, ...]:
    return tuple(type(value) for value in decode_key(key))


def _plain_value(value: KeyValue) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else str(value)


def _json_value(value: KeyValue) -> JsonScalar:
    """Numbers are spelled out: orjson knows neither DECIMAL nor integers beyond 64 bits."""
    if isinstance(value, int | Decimal):
        return orjson.Fragment(encode_key((value,)))
    return _plain_value(value)

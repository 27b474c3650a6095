"""How values look on the wire: as JSON and as text, exact in both. docs/reference/expressions.md has the table.

Text is what JSON would show, without the quotes: a DECIMAL, a date or a number reads the same alone and inside a sentence.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import orjson
from jinja2 import Undefined

from penstock.errors import RowError
from penstock.rows import Unreadable, time_text

# No API takes more in one request, and a worker holds hundreds of requests at once.
MAX_JSON_BYTES = 64 * 1024 * 1024

_DEEPEST = 200
_LARGE = 2**63
# DECIMAL(65) has 65 digits before or behind its point: within this, no exponent is ever written.
_LONGEST_PLAIN_NUMBER = 100
# Dataclasses would be written field by field: one of them is Unreadable.
_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS

_NEVER_NAN = frozenset({type(None), bool, int, str, bytes, Decimal, datetime, date, time, timedelta, UUID})

_KINDS: Mapping[type, str] = {
    type(None): "NULL",
    bool: "boolean",  # before int: a bool is one
    int: "integer",
    float: "FLOAT",
    Decimal: "DECIMAL",
    str: "text",
    bytes: "BLOB",
    datetime: "DATETIME",  # before date: a datetime is one
    date: "DATE",
    time: "TIME",
    timedelta: "TIME",
    Mapping: "object",
    list: "list",
    tuple: "list",
    Undefined: "missing value",
}


def to_json(document: object, path: str = "body") -> bytes:
    """A document → JSON in UTF-8. Raises RowError, its `column` the path inside the document ("body.buyer.email")."""
    try:
        encoded = orjson.dumps(document, _beyond_json, _OPTIONS)
    except (TypeError, RecursionError):
        # Integers beyond 64 bits, or something that has no JSON form: walk the document to write the one and name the other.
        encoded = orjson.dumps(_exact(document, path, 0), option=_OPTIONS)
    else:
        # orjson writes NaN and Infinity as null: whoever reads that would take them for NULL.
        if b"null" in encoded and _hold_not_a_number((document,)):
            encoded = orjson.dumps(_exact(document, path, 0), option=_OPTIONS)
    if len(encoded) > MAX_JSON_BYTES:
        raise RowError(f"{path} has {len(encoded):,} bytes; at most {MAX_JSON_BYTES:,} are sent", column=path)
    return encoded


def to_text(value: object) -> str:
    """A value → its text. Raises RowError for NULL, what is missing, lists and objects: they have none."""
    if type(value) is str:
        return value
    if type(value) is int and abs(value) < _LARGE:
        return str(value)
    if value is None:
        raise RowError("NULL inside text; say what to write instead: {{ name | default('') }}")
    if isinstance(value, Mapping | list | tuple):
        raise RowError("a list or an object inside text; write it as JSON with | tojson, or a list with | join(', ')")
    encoded = orjson.dumps(_exact_scalar(value), option=_OPTIONS)
    return str(orjson.loads(encoded)) if encoded.startswith(b'"') else encoded.decode()


def kind_of(value: object) -> str:
    """A value's type, in the words of a database."""
    for kind, name in _KINDS.items():
        if isinstance(value, kind):
            return name
    return f"value of type {type(value).__name__}"


def number_text(number: Decimal) -> str:
    """A DECIMAL with all its digits, trailing zeros included: 10.00, never 1E+1. Raises RowError for NaN and Infinity."""
    if not number.is_finite():
        raise RowError(f"{number} is not a number that JSON knows")
    text = str(number)
    if "E" in text and abs(number.adjusted()) <= _LONGEST_PLAIN_NUMBER:
        return format(number, "f")
    return text


def _beyond_json(value: object) -> object:
    """The types that orjson does not write by itself."""
    if isinstance(value, Decimal):
        return orjson.Fragment(number_text(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, timedelta):
        return time_text(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Unreadable):
        raise RowError(value.reason)
    if isinstance(value, Undefined):
        raise RowError(value._undefined_message)
    raise RowError(f"a {kind_of(value)} has no JSON form")


def _exact(value: object, path: str, depth: int) -> object:
    """The same document with every value in a form that orjson writes exactly. Raises RowError naming one that has none."""
    if depth > _DEEPEST:
        raise RowError(f"{path}: nested deeper than {_DEEPEST} levels", column=path)
    if isinstance(value, Mapping):
        return {_name(name, path): _exact(item, f"{path}.{name}", depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item, f"{path}[{position}]", depth + 1) for position, item in enumerate(value)]
    try:
        return _exact_scalar(value)
    except RowError as error:
        raise RowError(f"{path}: {error}", column=path) from None


def _exact_scalar(value: object) -> object:
    if value is None or type(value) in (bool, date, datetime, UUID):
        return value
    if isinstance(value, str):
        if not _is_unicode(value):
            raise RowError("text with half of a surrogate pair cannot be sent as UTF-8")
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else orjson.Fragment(_integer_text(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RowError(f"{value} is not a number that JSON knows")
        return float(value)
    if type(value) is time and value.tzinfo is None:
        return value
    return _beyond_json(value)


def _integer_text(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python's limit on digits, there because the conversion takes quadratic time
        raise RowError("an integer with thousands of digits") from None


def _name(name: object, path: str) -> str:
    if not isinstance(name, str):
        raise RowError(f"{path}: the names in a JSON object are text, not {type(name).__name__}", column=path)
    if not _is_unicode(name):
        raise RowError(f"{path}: a name with half of a surrogate pair cannot be sent as UTF-8", column=path)
    return name


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hold_not_a_number(values: Iterable[object]) -> bool:
    """Whether NaN or Infinity is anywhere in these values. Written for speed: rows with a NULL in them are no exception."""
    for value in values:
        kind = type(value)
        if kind in _NEVER_NAN:
            continue
        if isinstance(value, float):
            if not math.isfinite(value):
                return True
        elif isinstance(value, dict | Mapping):  # dict first: the question to an abstract class takes long
            if _hold_not_a_number(value.values()):
                return True
        elif isinstance(value, list | tuple) and _hold_not_a_number(value):
            return True
    return False

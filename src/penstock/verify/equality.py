"""Whether what the store holds is what the row says: by value, never by text. Pure.

Independent of the mapping: nothing here knows what was sent. Two values are the same if whoever reads either would understand
the same: 12.50 and 12.5, one moment told in two zones, NULL and an absent field, a number and the text of that number.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, auto
from uuid import UUID
from zoneinfo import ZoneInfo

from penstock.rows import Unreadable, time_text

# As numbers are written, and as nothing else is: "01234" and "+49123" have lost something where 1234 and 49123 are, and "12e5"
# is what a spreadsheet takes for 1200000.
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
# Floating-point ones, where they are very large or small.
_SCIENTIFIC = re.compile(r"-?\d(?:\.\d+)?[eE][-+]?\d{1,4}", re.ASCII)
_ANY_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?", re.ASCII)
_MIDNIGHT = time()
_NUMBERS = (int, float, Decimal)  # a bool is an int
_PLAIN = frozenset({str, int, bool, float, date, datetime, bytes, UUID})  # a DECIMAL may signal instead of being equal
_ABSENT = object()


class Likeness(Enum):
    SAME = auto()
    DIFFERENT = auto()
    INCOMPARABLE = auto()  # no value of the one kind means one of the other


def _likeness(is_same: bool) -> Likeness:
    return Likeness.SAME if is_same else Likeness.DIFFERENT


@dataclass(frozen=True, slots=True)
class Comparison:
    """zone: of naive date-times, on either side. resolution: the shortest time that the store tells apart: what it could not
    hold is no difference (MongoDB keeps milliseconds)."""

    zone: ZoneInfo | None = None
    resolution: timedelta = timedelta(microseconds=1)

    def __call__(self, expected: object, found: object) -> Likeness:
        """expected: what the row says; found: what the store holds."""
        try:
            return self._compare(expected, found)
        except RecursionError:
            return Likeness.INCOMPARABLE  # parts within parts, hundreds of them

    def _compare(self, expected: object, found: object) -> Likeness:
        if expected is None or found is None:
            return _likeness(expected is found)
        if type(expected) is type(found) and type(expected) in _PLAIN and expected == found:
            return Likeness.SAME  # what most are; whether unequal ones differ is looked at below
        if isinstance(expected, Unreadable) or isinstance(found, Unreadable):
            return Likeness.INCOMPARABLE
        if isinstance(expected, _NUMBERS) and isinstance(found, _NUMBERS):
            return _likeness(_same_number(expected, found))
        return self._of_kinds(expected, found)

    def _of_kinds(self, expected: object, found: object) -> Likeness:
        match expected, found:
            case (str(), other) | (other, str()):
                return self._of_text(expected if isinstance(expected, str) else str(found), other)
            case list() | tuple(), list() | tuple():
                return self._of_lists(expected, found)
            case Mapping(), Mapping():
                return self._of_mappings(expected, found)
            case (date(), other) | (other, date()):  # a datetime is one
                return self._of_dates(expected if isinstance(expected, date) else found, other)
            case (UUID(), bytes()) | (bytes(), UUID()):
                return _likeness(_uuid_bytes(expected) == _uuid_bytes(found))
        if type(expected) is type(found):
            return _likeness(expected == found)
        return Likeness.INCOMPARABLE

    def _of_text(self, text: str, other: object) -> Likeness:
        """A text beside a value of any type: does it say that value?"""
        meant: object
        match other:
            case str():
                return _likeness(text == other)
            case bool():
                meant = {"true": True, "false": False, "1": True, "0": False}.get(text.lower(), _ABSENT)
            case int() | float() | Decimal():
                return self._of_digits(text, other)
            case date():
                meant = _moment_in(text)
            case bytes():
                meant = _bytes_in(text)
            case UUID():
                return _likeness(text.lower() == str(other))
            case timedelta():
                return _likeness(text == time_text(other))
            case time():
                return _likeness(text == other.isoformat())
            case Mapping() | list() | tuple():
                meant = _json_in(text)
            case _:
                meant = _ABSENT
        return Likeness.INCOMPARABLE if meant is _ABSENT else self._compare(meant, other)

    def _of_digits(self, text: str, number: float | Decimal) -> Likeness:
        if _NUMBER.fullmatch(text) or (isinstance(number, float) and _SCIENTIFIC.fullmatch(text)):
            return self._compare(Decimal(text), number)
        return Likeness.DIFFERENT if _ANY_NUMBER.fullmatch(text) else Likeness.INCOMPARABLE

    def _of_dates(self, one: object, other: object) -> Likeness:
        if not isinstance(one, date) or not isinstance(other, date):
            return Likeness.INCOMPARABLE
        if not isinstance(one, datetime) and not isinstance(other, datetime):
            return _likeness(one == other)
        first, second = self._moment(one), self._moment(other)
        if isinstance(one, datetime) and isinstance(other, datetime) and (first is None) is not (second is None):
            return Likeness.INCOMPARABLE  # in which zone the one is, nobody has said: verify.timezone
        if first is None or second is None:
            # A day has no zone, and beside a day a date-time stands for its own.
            return _likeness(_naive(one) == _naive(other))
        return _likeness(abs(first - second) < self.resolution)

    def _moment(self, value: date) -> datetime | None:
        """None: a day without a time, or a time without a zone."""
        if not isinstance(value, datetime):
            return None
        if value.tzinfo is not None:
            return value
        return None if self.zone is None else value.replace(tzinfo=self.zone)

    def _of_mappings(self, expected: Mapping[object, object], found: Mapping[object, object]) -> Likeness:
        names = [*expected, *(name for name in found if name not in expected)]
        return _all(self._compare(expected.get(name), found.get(name)) for name in names)

    def _of_lists(self, expected: Sequence[object], found: Sequence[object]) -> Likeness:
        if len(expected) != len(found):
            return Likeness.DIFFERENT
        return _all(self._compare(one, other) for one, other in zip(expected, found, strict=True))


def _all(parts: Iterable[Likeness]) -> Likeness:
    worst = Likeness.SAME
    for part in parts:
        if part is Likeness.DIFFERENT:
            return part
        worst = part if part is not Likeness.SAME else worst
    return worst


def _same_number(expected: float | Decimal, found: float | Decimal) -> bool:
    """Exactly; beside a floating-point number, whether it is the nearest one."""
    if any(isinstance(value, Decimal) and value.is_nan() for value in (expected, found)):
        return math.isnan(_quiet(expected)) and math.isnan(_quiet(found))  # a signalling one cannot be compared
    if isinstance(expected, float) or isinstance(found, float):
        one, other = float(Decimal(expected)), float(Decimal(found))
        return one == other or (math.isnan(one) and math.isnan(other))
    return expected == found


def _quiet(value: float | Decimal) -> float:
    if isinstance(value, Decimal):
        return math.nan if value.is_nan() else 0.0
    return float(value) if isinstance(value, float) else 0.0


def _uuid_bytes(value: object) -> object:
    return value.bytes if isinstance(value, UUID) else value


def _naive(value: date) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime.combine(value, _MIDNIGHT)


def _moment_in(text: str) -> object:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    return _ABSENT


def _bytes_in(text: str) -> object:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return _ABSENT


def _json_in(text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return _ABSENT

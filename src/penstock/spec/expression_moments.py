"""The filters of dates and times: date, epoch, epoch_ms."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from penstock.errors import RowError
from penstock.spec.wire import kind_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# strftime's directives that are plain numbers, and so need no call of the C library: an attribute, and how it is printed.
_NUMBERS = {
    "Y": ("year", "%04d"),
    "m": ("month", "%02d"),
    "d": ("day", "%02d"),
    "H": ("hour", "%02d"),
    "M": ("minute", "%02d"),
    "S": ("second", "%02d"),
    "f": ("microsecond", "%06d"),
}


def date_(value: object, format_: str = "%Y-%m-%d") -> str:
    """A DATE or DATETIME (or its ISO 8601 text) in the form that strftime's `format_` asks for."""
    moment = _moment(value, "date")
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001  (a DATE has no time zone)
    return _formatter(format_)(moment)


@functools.lru_cache(maxsize=100)
def _formatter(format_: str) -> Callable[[datetime], str]:
    directives = re.findall("%(.?)", format_, re.DOTALL)
    numbers = [_NUMBERS[directive] for directive in directives if directive in _NUMBERS]
    if len(numbers) > 1 and all(directive in _NUMBERS for directive in directives):
        values = operator.attrgetter(*(attribute for attribute, _ in numbers))
        printed = re.sub("%(.)", lambda found: _NUMBERS[found[1]][1], format_)
        return lambda moment: printed % values(moment)
    if re.search(r"%[^a-zA-Z%]*\d", format_):
        raise RowError("date: a width in a format is not known here; strftime's letters alone are")
    return lambda moment: moment.strftime(_with_all_digits_of_the_year(format_, moment))


def _with_all_digits_of_the_year(format_: str, moment: datetime) -> str:
    """strftime leaves out the zeros before the year 999."""
    year = f"{moment.year:04}"
    return re.sub("%([%Y])", lambda found: year if found[1] == "Y" else "%%", format_)


def epoch(value: object) -> int:
    """Whole seconds since 1970-01-01T00:00:00Z."""
    return _since_epoch(value, "epoch") // timedelta(seconds=1)


def epoch_ms(value: object) -> int:
    """Whole milliseconds since 1970-01-01T00:00:00Z."""
    return _since_epoch(value, "epoch_ms") // timedelta(milliseconds=1)


def _since_epoch(value: object, name: str) -> timedelta:
    moment = _moment(value, name)
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise RowError(f"{name} needs a DATETIME with a time zone; set source.timezone")
    return moment - _EPOCH


def _moment(value: object, name: str) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value) if len(value) == len("2024-01-31") else datetime.fromisoformat(value)
        except ValueError:
            pass
    raise RowError(f"{name} takes a DATE, a DATETIME or its ISO 8601 text, not {kind_of(value)}")

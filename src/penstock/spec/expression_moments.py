"""The filters of dates and times: date, epoch, epoch_ms."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from penstock.errors import RowError
from penstock.spec.expression_values import kind, refuse_widths

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def date_(value: object, format_: str = "%Y-%m-%d") -> str:
    """A DATE or DATETIME (or its ISO 8601 text) in the form that strftime's `format_` asks for."""
    refuse_widths(format_)
    moment = _moment(value, "date")
    if moment.year < 1000:  # strftime leaves out the leading zeros
        year = f"{moment.year:04}"
        format_ = re.sub("%([%Y])", lambda found: year if found[1] == "Y" else "%%", format_)
    return moment.strftime(format_)


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
    raise RowError(f"{name} takes a DATE, a DATETIME or its ISO 8601 text, not {kind(value)}")

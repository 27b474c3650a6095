"""How asyncpg gives and takes values whose usual way would raise (infinity, BC, 24:00), round (intervals) or tie the rest of
penstock to classes of its own (networks, bits, UUIDs).

Moments come as `date` and `datetime`, and as Unreadable where Python has none; everything else here as the server writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from penstock.rows import Unreadable

# As the server writes them. An interval's months have no fixed number of days, so that no timedelta is the same; SQLAlchemy
# would make JSON's numbers floating-point.
_AS_TEXT = ("time", "timetz", "interval", "uuid", "inet", "cidr", "bit", "varbit", "json", "jsonb")
_DAY_ONE = date(2000, 1, 1).toordinal()
_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001  timestamp has no zone
_EPOCH_UTC = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INFINITE_DAYS, _INFINITE_MICROSECONDS = 2**31 - 1, 2**63 - 1
_DAY = 86_400_000_000
# The Gregorian calendar repeats itself.
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097


class DriverConnection(Protocol):
    """asyncpg.Connection, as far as it is needed here."""

    async def set_type_codec(
        self,
        typename: str,
        *,
        schema: str,
        encoder: Callable[..., object],
        decoder: Callable[..., object],
        format: str,  # noqa: A002  asyncpg's word
    ) -> None: ...


async def set_codecs(connection: DriverConnection) -> None:
    """Costs no round trip: asyncpg knows these types."""
    for name in _AS_TEXT:
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=str, format="text")
    # As numbers, which is twice as fast as text, and as what asyncpg itself would make dates of.
    for name, encode, decode in (
        ("date", _from_date, _to_date),
        ("timestamp", _from_datetime, _to_datetime),
        ("timestamptz", _from_instant, _to_instant),
    ):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=encode, decoder=decode, format="tuple")


def _from_date(value: date) -> tuple[int]:
    return (value.toordinal() - _DAY_ONE,)


def _from_datetime(value: datetime) -> tuple[int]:
    return ((value - _EPOCH) // _MICROSECOND,)


def _from_instant(value: datetime) -> tuple[int]:
    return ((value - _EPOCH_UTC) // _MICROSECOND,)


def _to_date(encoded: tuple[int]) -> date | Unreadable:
    [days] = encoded
    try:
        return date.fromordinal(_DAY_ONE + days)
    except (ValueError, OverflowError):
        return _beyond(days, "", is_infinite=abs(days) >= _INFINITE_DAYS)


def _to_datetime(encoded: tuple[int]) -> datetime | Unreadable:
    [microseconds] = encoded
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return _beyond_microseconds(microseconds)


def _to_instant(encoded: tuple[int]) -> datetime | Unreadable:
    [microseconds] = encoded
    try:
        return _EPOCH_UTC + timedelta(microseconds=microseconds)
    except OverflowError:
        return _beyond_microseconds(microseconds)


def _beyond_microseconds(microseconds: int) -> Unreadable:
    days, rest = divmod(microseconds, _DAY)
    seconds = rest // 1_000_000
    time = f" {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return _beyond(days, time, is_infinite=abs(microseconds) >= _INFINITE_MICROSECONDS)


def _beyond(days: int, time: str, *, is_infinite: bool) -> Unreadable:
    """days: since 2000-01-01."""
    text = ("-infinity" if days < 0 else "infinity") if is_infinite else _shown(days) + time
    if not is_infinite and days < 0:
        text += " BC"
    return Unreadable(f"{text!r} is not within the years 1 to 9999; make it another date, or NULL, in the query")


def _shown(days: int) -> str:
    """As PostgreSQL writes it, in whatever year."""
    cycles, rest = divmod(days, _CYCLE_DAYS)
    day = date.fromordinal(_DAY_ONE + rest)
    year = day.year + cycles * _CYCLE_YEARS
    return f"{year if year > 0 else 1 - year:04d}-{day:%m-%d}"

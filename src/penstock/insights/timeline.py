"""Counts over time in flat memory: buckets grow wider as the time they span grows longer. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

# In tenths of a second. Each is a multiple of the one before, so that buckets can be put together and never need to be split;
# each is one that a clock's face knows, so that a bucket begins at a whole minute or hour.
_SECOND, _MINUTE, _HOUR, _DAY = 10, 600, 36_000, 864_000
WIDTHS = (
    1, 5, _SECOND, 2 * _SECOND, 10 * _SECOND, 30 * _SECOND, _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, _HOUR, 3 * _HOUR,
    6 * _HOUR, 12 * _HOUR, _DAY, 7 * _DAY, 28 * _DAY, 364 * _DAY, 3640 * _DAY, 36400 * _DAY, 364_000 * _DAY,
)  # fmt: skip
MOST_BUCKETS = 120  # in a picture
_MOST_KEPT = 16 * MOST_BUCKETS  # while counting: the first rows may lie close together


@dataclass(frozen=True, slots=True)
class Timeline:
    """start: of the first bucket. seconds: how wide a bucket is. series: name → counts, one for each bucket, all equally many."""

    start: datetime
    seconds: float
    series: Mapping[str, Sequence[int]]

    @property
    def buckets(self) -> int:
        return len(next(iter(self.series.values()), ()))


class TimelineSum:
    """Adds up moments, in whatever order they come. names: of the series, in the order they are shown."""

    def __init__(self, names: Sequence[str]) -> None:
        self._series: dict[str, dict[int, int]] = {name: {} for name in names}
        self._width = 0  # as an index of WIDTHS

    def add(self, name: str, at: datetime) -> None:
        bucket = math.floor(at.timestamp() * 10) // WIDTHS[self._width]
        counts = self._series[name]
        counts[bucket] = counts.get(bucket, 0) + 1
        if len(counts) > _MOST_KEPT:
            self._widen(self._width + 1)

    def forget(self, name: str) -> None:
        self._series[name] = {}

    def timeline(self) -> Timeline | None:
        """None if there was nothing."""
        known = [bucket for counts in self._series.values() for bucket in counts]
        if not known:
            return None
        while max(known) - min(known) >= MOST_BUCKETS:
            self._widen(self._width + 1)
            known = [bucket for counts in self._series.values() for bucket in counts]
        first, last = min(known), max(known)
        return Timeline(
            start=datetime.fromtimestamp(first * WIDTHS[self._width] / 10, UTC),
            seconds=WIDTHS[self._width] / 10,
            series={
                name: tuple(counts.get(bucket, 0) for bucket in range(first, last + 1))
                for name, counts in self._series.items()
            },
        )

    def _widen(self, width: int) -> None:
        ratio = _ratio(self._width, width)
        for name, counts in self._series.items():
            wider: dict[int, int] = {}
            for bucket, count in counts.items():
                wider[bucket // ratio] = wider.get(bucket // ratio, 0) + count
            self._series[name] = wider
        self._width = width


def _ratio(narrow: int, wide: int) -> int:
    return WIDTHS[wide] // WIDTHS[narrow]

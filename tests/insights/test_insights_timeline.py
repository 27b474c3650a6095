"""Counts over time: what is added is there, in buckets of the same width, and never too many of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.insights.timeline import MOST_BUCKETS, WIDTHS, TimelineSum

# Ledgers take their time from databases.
EARLIEST, LATEST = datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("2500-01-01")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def summed(*seconds: float) -> TimelineSum:
    timeline = TimelineSum(("imported", "failed"))
    for second in seconds:
        timeline.add("imported", START + timedelta(seconds=second))
    return timeline


def test_nothing_is_no_timeline() -> None:
    assert TimelineSum(("imported",)).timeline() is None


def test_every_series_has_every_bucket() -> None:
    timeline = summed(0, 0.01, 0.25)
    timeline.add("failed", START + timedelta(seconds=0.41))

    found = timeline.timeline()

    assert found is not None
    assert (found.start, found.seconds) == (START, 0.1)
    assert found.series == {"imported": (2, 0, 1, 0, 0), "failed": (0, 0, 0, 0, 1)}


@pytest.mark.parametrize(
    ("seconds", "width"),
    [(11.9, 0.1), (12, 0.5), (119, 1), (3600, 60), (7 * 86_400, 3 * 3600), (400 * 86_400, 7 * 86_400)],
)
def test_buckets_are_as_wide_as_the_time_asks_for(seconds: float, width: float) -> None:
    found = summed(0, seconds).timeline()

    assert found is not None
    assert found.seconds == width
    assert 2 <= found.buckets <= MOST_BUCKETS


def test_a_bucket_begins_where_a_clock_does() -> None:
    found = summed(65, 3600).timeline()

    assert found is not None
    assert found.start == START + timedelta(seconds=60)


def test_what_is_forgotten_is_not_counted() -> None:
    timeline = summed(1, 2)
    timeline.forget("imported")

    assert timeline.timeline() is None


def test_each_width_is_a_multiple_of_the_one_before() -> None:
    assert all(wide % narrow == 0 for narrow, wide in pairwise(WIDTHS))


@given(st.lists(st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)), min_size=1))
def test_none_is_lost_whenever_it_was(moments: list[datetime]) -> None:
    timeline = TimelineSum(("imported",))
    for moment in moments:
        timeline.add("imported", moment)

    found = timeline.timeline()

    assert found is not None
    assert sum(found.series["imported"]) == len(moments)
    assert found.buckets <= MOST_BUCKETS
    assert found.start <= min(moments)
    assert max(moments) < found.start + timedelta(seconds=found.seconds) * found.buckets


def test_memory_is_flat_however_many_buckets_there_would_be() -> None:
    timeline = summed(*range(0, 86_400 * 10, 60))

    assert len(timeline._series["imported"]) < 2000

"""Bars over time: where they stand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from penstock.insights.timeline import Timeline
from penstock.pages.pictures import HEIGHT, WIDTH, Picture, picture

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def drawn(*counts: int, seconds: float = 60, failed: tuple[int, ...] = ()) -> Picture:
    series = {"imported": counts, "failed": failed or (0,) * len(counts)}
    return picture(Timeline(START, seconds, series), {"imported": "imported", "failed": "failed"})


@pytest.mark.parametrize("counts", [(1,), (1, 2, 3), (0, 1_000_000, 1), tuple(range(120)), (7,) * 120])
@pytest.mark.parametrize("seconds", [0.1, 1, 60, 3600, 86_400, 604_800])
def test_everything_stands_within_the_picture(counts: tuple[int, ...], seconds: float) -> None:
    found = drawn(*counts, seconds=seconds)

    assert len(found.bars) == sum(1 for count in counts if count)
    for bar in found.bars:
        assert found.left <= bar.x
        assert bar.x + bar.width <= found.right + 0.01
        assert bar.y >= 0
        assert bar.y + bar.height <= found.base + 0.01
        assert bar.height >= 1.5
        assert bar.width > 0
    assert all(0 < tick.at < WIDTH for tick in found.across)
    assert 1 <= len(found.across) <= 8
    assert all(0 < tick.at < HEIGHT for tick in found.up)
    assert 2 <= len(found.up) <= 6


def test_heights_are_to_scale_and_series_stand_one_upon_the_other() -> None:
    found = drawn(100, 50, failed=(0, 25))

    whole, half, upon = found.bars
    assert whole.height == pytest.approx(2 * half.height)
    assert upon.y + upon.height == pytest.approx(half.y)
    assert (upon.series, upon.label) == ("failed", "2026-03-01 12:01:00: 25 failed")


def test_lines_are_at_round_numbers_up_to_the_highest() -> None:
    assert [tick.label for tick in drawn(1_730).up] == ["0", "500", "1,000", "1,500", "2,000"]
    assert [tick.label for tick in drawn(3).up] == ["0", "1", "2", "3"]


def test_times_stand_at_round_moments_and_name_the_day_when_it_changes() -> None:
    labels = [tick.label for tick in drawn(*range(1, 100), seconds=600).across]

    assert labels == ["01 Mar, 12:00", "15:00", "18:00", "21:00", "02 Mar, 00:00", "03:00"]
    assert drawn(*range(1, 100), seconds=86_400).across[0].label == "12 Mar 2026"


def test_nothing_is_an_empty_picture() -> None:
    assert (drawn(0, 0).bars, drawn(0, 0).highest) == ((), 0)

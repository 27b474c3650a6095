"""Durations, rates and shares."""

from __future__ import annotations

import pytest

from penstock.spec.units import (
    NEVER,
    ShareOrCount,
    parse_duration,
    parse_duration_or_never,
    parse_rate,
    parse_share_or_count,
)
from penstock.spec.wrong import Wrong


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("200ms", 0.2), ("30s", 30.0), ("1.5m", 90.0), ("4 h", 14400.0), (" 2d ", 172800.0), ("0s", 0.0), (7.5, 7.5)],
)
def test_durations(written: object, seconds: float) -> None:
    assert parse_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written",
    [30, "30", "s", "-5s", "5 weeks", "1h30m", "٣s", "", None, True, "1s\n2s", -1.0, float("nan"), float("inf")],
)
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(Wrong):
        parse_duration(written)


def test_never_is_a_duration_where_it_may_be() -> None:
    assert parse_duration_or_never("never") == NEVER
    assert parse_duration_or_never(NEVER) == NEVER
    assert parse_duration_or_never("4h") == 14400.0
    with pytest.raises(Wrong):
        parse_duration("never")


@pytest.mark.parametrize(("written", "rate"), [("500/s", 500.0), ("30/m", 0.5), ("1.5 / h", 1.5 / 3600), (12.5, 12.5)])
def test_rates(written: object, rate: float) -> None:
    assert parse_rate(written) == pytest.approx(rate)


@pytest.mark.parametrize("written", [500, "500", "0/s", "5/d", "-1/s", "/s", "9" * 400 + "/s", 0.0, float("inf"), None])
def test_what_is_no_rate(written: object) -> None:
    with pytest.raises(Wrong):
        parse_rate(written)


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("5%", ShareOrCount(share=0.05)),
        ("100 %", ShareOrCount(share=1.0)),
        (50, ShareOrCount(count=50)),
        ("never", ShareOrCount()),
    ],
)
def test_shares_and_counts(written: object, limit: ShareOrCount) -> None:
    assert parse_share_or_count(written) == limit


@pytest.mark.parametrize("written", ["0%", "101%", 0, -1, True, "50", 0.05, None])
def test_what_is_no_share_or_count(written: object) -> None:
    with pytest.raises(Wrong):
        parse_share_or_count(written)


@pytest.mark.parametrize(
    ("limit", "rows"), [(ShareOrCount(share=0.05), 50.0), (ShareOrCount(count=7), 7), (ShareOrCount(), NEVER)]
)
def test_a_limit_is_a_number_of_rows(limit: ShareOrCount, rows: float) -> None:
    assert limit.of(1000) == rows


def test_a_message_names_value_and_way_out() -> None:
    with pytest.raises(Wrong, match=r"^'30' is no duration; write a number and a unit, like 200ms"):
        parse_duration("30")

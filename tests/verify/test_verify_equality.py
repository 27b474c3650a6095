"""Which values are the same, and which are not: by value, never by text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from penstock.rows import Unreadable, match_text
from penstock.verify.equality import Comparison, Likeness

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2024, 3, 10, 12, 0, 0, tzinfo=SHANGHAI)
SOME_ID = UUID("123e4567-e89b-12d3-a456-426614174000")

SAME: list[tuple[object, object]] = [
    (None, None),
    (1, 1),
    (1, Decimal("1.00")),
    (Decimal("12.50"), Decimal("12.5")),
    (Decimal("12.50"), 12.5),
    (Decimal("0.1"), 0.1),
    (10**40, Decimal(10) ** 40),
    (2**53 + 1, Decimal(2**53 + 1)),
    (True, 1),
    (0, False),
    (float("nan"), float("nan")),
    ("19.90", Decimal("19.9")),
    (Decimal("19.90"), "19.9"),
    (5, "5"),
    ("true", True),
    ("ü🎉", "ü🎉"),
    (NOON, NOON.astimezone(UTC)),
    (NOON, "2024-03-10T04:00:00Z"),
    (NOON, "2024-03-10 12:00:00+08:00"),
    (NOON, NOON.replace(tzinfo=None)),
    (date(2024, 3, 10), date(2024, 3, 10)),
    (date(2024, 3, 10), datetime(2024, 3, 10, tzinfo=UTC)),
    (date(2024, 3, 10), "2024-03-10"),
    (b"\x00\xff", "AP8="),
    (SOME_ID, str(SOME_ID).upper()),
    (SOME_ID, SOME_ID.bytes),
    (timedelta(hours=25), "25:00:00"),
    ([1, Decimal("2.0")], (1, 2)),
    ({"a": 1, "b": None}, {"a": Decimal("1.0")}),
    ({"a": {"b": [1]}}, '{"a": {"b": [1.0]}}'),
    ([], []),
]
DIFFERENT: list[tuple[object, object]] = [
    (None, ""),
    (None, 0),
    ("", None),
    (Decimal("19.99"), Decimal("20.00")),
    (Decimal("19.99"), 19.98),
    (Decimal("0.1"), Decimal("0.1000000000000000055")),
    (2**53 + 1, Decimal(2**53)),
    (1, True + 1),
    ("19.90", Decimal("19.91")),
    ("ü", "u"),
    ("ü🎉", "ü?"),
    ("a", "A"),
    ("a", "a "),
    ("true", False),
    (NOON, NOON.replace(tzinfo=UTC)),
    (NOON, NOON + timedelta(microseconds=1)),
    (NOON, "2024-03-10T12:00:00Z"),
    (date(2024, 3, 10), date(2024, 3, 11)),
    (date(2024, 3, 10), datetime(2024, 3, 10, 8, tzinfo=UTC)),
    (b"\x00", "AP8="),
    ([1, 2], [2, 1]),
    ([1], [1, 1]),
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": {"b": 1}}, {"a": {"b": 2}}),
]
INCOMPARABLE: list[tuple[object, object]] = [
    (1, "one"),
    (NOON, 17),
    (NOON, "noon"),
    ([1], 1),
    ({"a": 1}, [1]),
    (b"\x00", "no base64!"),
    ({"a": 1}, "no json"),
    ("text", Unreadable("bytes that are no text")),
    (b"ab", 5),
    ("maybe", True),
]


@pytest.mark.parametrize(("expected", "found"), SAME)
def test_values_that_mean_the_same_are_the_same(expected: object, found: object) -> None:
    compare = Comparison(SHANGHAI)
    assert compare(expected, found) is Likeness.SAME
    assert compare(found, expected) is Likeness.SAME


@pytest.mark.parametrize(("expected", "found"), DIFFERENT)
def test_values_that_do_not_are_different(expected: object, found: object) -> None:
    compare = Comparison(SHANGHAI)
    assert compare(expected, found) is Likeness.DIFFERENT
    assert compare(found, expected) is Likeness.DIFFERENT


@pytest.mark.parametrize(("expected", "found"), INCOMPARABLE)
def test_types_of_which_none_means_the_other_are_incomparable(expected: object, found: object) -> None:
    compare = Comparison(SHANGHAI)
    assert compare(expected, found) is Likeness.INCOMPARABLE
    assert compare(found, expected) is Likeness.INCOMPARABLE


def test_what_a_store_cannot_hold_is_no_difference() -> None:
    compare = Comparison(None, timedelta(milliseconds=1))
    assert compare(NOON + timedelta(microseconds=999), NOON.astimezone(UTC)) is Likeness.SAME
    assert compare(NOON + timedelta(milliseconds=1), NOON.astimezone(UTC)) is Likeness.DIFFERENT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((42,), ("42",)),
        ((42,), (Decimal("42.00"),)),
        ((42,), (42.0,)),
        ((Decimal("1.50"),), (Decimal("1.5"),)),
        ((SOME_ID,), (str(SOME_ID).upper(),)),
        ((NOON,), (datetime(2024, 3, 10, 4, tzinfo=timezone(timedelta(0))),)),
        (("north", 17), ("north", "17")),
    ],
)
def test_a_key_is_the_same_on_both_sides(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert match_text(one) == match_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((42,), ("042",)),
        (("a",), ("A",)),
        (("1.0",), (1,)),
        (("a", "b"), ("a,b",)),
        ((b"\x01",), (1,)),
        (("a ",), ("a",)),
    ],
)
def test_other_keys_are_others(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert match_text(one) != match_text(other)

"""Numbers, times and foreign text as people read them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.insights.words import counted, duration, number, per_second, printable, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 s"),
        (9.94, "9.9 s"),
        (45.2, "45 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (7500, "2 h 5 min"),
        (187_200, "2 d 4 h"),
        (float("inf"), "for ever"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("rate", "words"), [(0.0, "0/s"), (0.44, "0.4/s"), (31.4, "31/s"), (12_400.0, "12,400/s")])
def test_a_rate_has_decimals_only_where_they_matter(rate: float, words: str) -> None:
    assert per_second(rate) == words


@pytest.mark.parametrize(
    ("count", "words"), [(512, "512 B"), (1_250, "1.2 kB"), (193e6, "193 MB"), (1.5e15, "1500 TB")]
)
def test_a_size_has_a_unit(count: float, words: str) -> None:
    assert size(count) == words


def test_one_is_singular() -> None:
    assert (counted(1, "row"), counted(0, "row"), counted(1204, "row")) == ("1 row", "0 rows", "1,204 rows")


def test_thousands_are_set_apart() -> None:
    assert number(1_204_000) == "1,204,000"


@given(st.text())
def test_nothing_foreign_reaches_the_terminal_unspelled(text: str) -> None:
    assert printable(text).isprintable()


def test_what_is_spelled_out_stays_the_same_json() -> None:
    text = "line\nnext\x1b[31m \u00a0\u202e\U000e0001 ü"
    assert json.loads(f'"{printable(text)}"') == text

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.target.retry_after import LONGEST, seconds_to_wait

NOW = datetime(2025, 11, 24, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("9999999999", LONGEST),
        ("9" * 400, None),
        ("-5", None),
        ("1e9", None),
        ("inf", None),
        ("nan", None),
        ("٧", None),
        ("", None),
        ("soon", None),
        ("Mon, 24 Nov 2025 12:00:30 GMT", 30.0),
        ("Mon, 24 Nov 2025 12:00:30 -0000", 30.0),
        ("Mon, 24 Nov 2025 20:00:30 +0800", 30.0),
        ("Monday, 24-Nov-25 12:00:30 GMT", 30.0),
        ("Mon, 24 Nov 2025 11:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST),
        ("Mon, 32 Nov 2025 12:00:30 GMT", None),
        ("Mon, 24 Nov 2025 12:00:30 +9999", None),
    ],
)
def test_h44_what_servers_write(value: str, seconds: float | None) -> None:
    assert seconds_to_wait(value, NOW) == seconds


@given(
    st.text(max_size=60)
    | st.from_regex(r"\A[0-9]{1,12}\Z")
    | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]?\w*")
)
def test_h44_nobody_waits_for_ever(value: str) -> None:
    seconds = seconds_to_wait(value, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST

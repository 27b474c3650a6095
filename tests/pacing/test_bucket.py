import math

from hypothesis import given
from hypothesis import strategies as st

from penstock.pacing.bucket import TokenBucket


def requests_within(bucket: TokenBucket, seconds: float, step: float = 0.001) -> int:
    """How many requests a greedy sender gets through, looking every `step` seconds of a pretended clock."""
    sent = 0
    for tick in range(int(seconds / step)):
        while bucket.delay(tick * step) == 0.0:
            bucket.take(1)
            sent += 1
    return sent


@given(rate=st.floats(1.0, 500.0))
def test_a_rate_is_neither_exceeded_nor_left_unused(rate: float) -> None:
    sent = requests_within(TokenBucket(rate, 0.0), 10.0)
    assert rate * 10 * 0.95 - 1 <= sent <= rate * 10 + rate * 0.1 + 2


def test_a_long_silence_saves_up_no_more_than_one_and_a_tenth_of_a_second() -> None:
    bucket = TokenBucket(100.0, 0.0)
    bucket.take(1)
    assert bucket.delay(3600.0) == 0.0
    sent = 0
    while bucket.delay(3600.0) == 0.0:
        bucket.take(1)
        sent += 1
    assert sent == 11


def test_the_delay_says_when_the_next_request_may_go() -> None:
    bucket = TokenBucket(2.0, 0.0)
    bucket.take(1)
    assert bucket.delay(0.0) == 0.5
    assert bucket.delay(0.5) == 0.0


def test_without_a_rate_nothing_waits() -> None:
    bucket = TokenBucket(math.inf, 0.0)
    for _ in range(1000):
        assert bucket.delay(0.0) == 0.0
        bucket.take(1)
    assert not bucket.is_limiting


def test_a_new_rate_holds_from_now_on() -> None:
    bucket = TokenBucket(math.inf, 0.0)
    bucket.set_rate(10.0, 5.0)
    assert bucket.delay(5.0) == 0.0
    bucket.take(1)
    assert 0.0 < bucket.delay(5.0) <= 0.1
    bucket.set_rate(math.inf, 5.0)
    assert bucket.delay(5.0) == 0.0


def test_a_rate_of_nothing_lets_nothing_through() -> None:
    bucket = TokenBucket(0.0, 0.0)
    bucket.take(1)
    assert bucket.delay(1e9) == math.inf


@given(rate=st.floats(1.0, 50.0))
def test_who_looks_a_little_late_loses_nothing(rate: float) -> None:
    sent = requests_within(TokenBucket(rate, 0.0), 10.0, step=0.09)
    assert sent >= math.floor(rate * 9.9)


def test_what_nobody_wanted_is_told_once() -> None:
    bucket = TokenBucket(10.0, 0.0)
    assert bucket.unused(0.0) == 0.0
    assert bucket.unused(10.0) == 0.99  # one more is still there to be had
    assert bucket.unused(10.0) == 0.0
    for tick in range(100):
        if bucket.delay(10.0 + tick * 0.01) == 0.0:
            bucket.take(1)
    assert bucket.unused(11.0) == 0.0


def test_nothing_is_saved_up_before_it_begins() -> None:
    bucket = TokenBucket(10.0, 0.0)
    bucket.begin_at(5.0, 0.5)
    bucket.set_rate(20.0, 3.0)
    assert bucket.delay(3.0) == 2.025
    assert bucket.delay(5.0) == 0.025
    assert bucket.delay(5.025) == 0.0
    assert bucket.unused(5.025) == 0.0

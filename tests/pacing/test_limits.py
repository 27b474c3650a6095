from penstock.pacing.limits import AdaptiveLimit


def answered(limit: AdaptiveLimit, latency: float, times: int, start: float) -> float:
    for tick in range(times):
        limit.answered(latency, start + tick * latency)
    return start + times * latency


def test_it_starts_with_one_and_doubles_a_round_trip_while_latency_stays_good() -> None:
    limit = AdaptiveLimit(256)
    assert limit.value == 1
    answered(limit, 0.02, 63, 0.0)
    assert limit.value == 64


def test_it_never_exceeds_the_most() -> None:
    limit = AdaptiveLimit(8)
    answered(limit, 0.02, 1000, 0.0)
    assert limit.value == 8


def test_it_stops_growing_when_latency_doubles() -> None:
    limit = AdaptiveLimit(256)
    now = answered(limit, 0.02, 31, 0.0)
    now = answered(limit, 0.06, 20, now)  # the smoothed latency has passed 0.04 by now
    before = limit.value
    answered(limit, 0.06, 100, now)
    assert limit.value == before


def test_an_overload_takes_a_third_away_once_a_round_trip() -> None:
    limit = AdaptiveLimit(256)
    now = answered(limit, 0.02, 59, 0.0)
    assert limit.value == 60
    for _ in range(30):  # all that was on the wire tells of the same overload
        limit.overloaded(now)
    assert limit.value == 40
    limit.overloaded(now + 1.0)
    assert limit.value == 26


def test_it_never_falls_below_one() -> None:
    limit = AdaptiveLimit(256)
    for second in range(100):
        limit.overloaded(float(second))
    assert limit.value == 1


def test_after_an_overload_it_grows_by_one_a_round_trip() -> None:
    limit = AdaptiveLimit(256)
    now = answered(limit, 0.02, 59, 0.0)
    limit.overloaded(now)
    answered(limit, 0.02, 41, now)
    assert limit.value == 41

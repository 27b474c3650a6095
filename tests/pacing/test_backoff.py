from random import Random

from hypothesis import given
from hypothesis import strategies as st

from penstock.pacing.backoff import full_jitter


@given(attempt=st.integers(1, 10_000), seed=st.integers())
def test_a_wait_lies_between_nothing_and_the_doubled_first_wait_up_to_the_longest(attempt: int, seed: int) -> None:
    wait = full_jitter(attempt, 0.2, 30.0, Random(seed))
    assert 0.0 <= wait <= min(30.0, 0.2 * 2 ** min(attempt - 1, 30))


def test_waits_spread_over_the_whole_interval_so_that_workers_do_not_return_together() -> None:
    random = Random(7)
    waits = [full_jitter(4, 1.0, 30.0, random) for _ in range(2000)]
    assert min(waits) < 0.1
    assert max(waits) > 7.9

from hypothesis import given
from hypothesis import strategies as st

from penstock.pacing.shares import share_of_count, share_of_rate


@given(total=st.integers(0, 1000), workers=st.integers(1, 100))
def test_the_shares_of_all_workers_add_up_and_differ_by_one_at_most(total: int, workers: int) -> None:
    shares = [share_of_count(total, workers, rank) for rank in range(workers)]
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


def test_a_rate_is_divided_evenly() -> None:
    assert share_of_rate(500.0, 4) == 125.0


def test_a_worker_that_the_ledger_does_not_count_yet_has_everything() -> None:
    assert share_of_count(64, 0, 0) == 64
    assert share_of_rate(500.0, 0) == 500.0

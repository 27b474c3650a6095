"""How fast a job goes and how long it takes yet."""

import pytest

from penstock.insights.eta import WINDOW, Speedometer, seconds_left
from penstock.insights.totals import Totals, pending, totals
from penstock.ledger.rows import Counts


def counts(*, imported: int = 0, pending: int = 0, exact: bool = True, ahead: int | None = None) -> Counts:
    return Counts(
        imported=imported,
        failed=2,
        in_doubt=1,
        skipped=3,
        pending=pending,
        claimed=0,
        pending_exact=exact,
        ahead=ahead,
    )


def test_nothing_is_said_before_there_is_enough_to_go_by() -> None:
    speed = Speedometer()
    assert speed.rows_per_second is None
    speed.observe(0.0, 100)
    speed.observe(1.0, 200)
    assert speed.rows_per_second is None


def test_only_the_last_minute_counts() -> None:
    speed = Speedometer()
    for second in range(601):
        speed.observe(float(second), second * 10 if second <= 300 else 3000 + (second - 300) * 1000)
    assert speed.rows_per_second == pytest.approx(1000)


def test_what_was_done_before_the_restart_is_no_speed_of_this_run() -> None:
    speed = Speedometer()
    speed.observe(0.0, 900_000)
    speed.observe(10.0, 901_000)
    assert speed.rows_per_second == pytest.approx(100)


def test_a_stall_shows_within_a_window() -> None:
    speed = Speedometer()
    speed.observe(0.0, 0)
    speed.observe(10.0, 1000)
    for second in range(11, 12 + int(WINDOW)):
        speed.observe(float(second), 1000)
    assert speed.rows_per_second == 0.0


def test_rows_taken_back_are_no_negative_speed() -> None:
    speed = Speedometer()
    speed.observe(0.0, 1000)
    speed.observe(10.0, 400)
    assert speed.rows_per_second == 0.0


def test_the_time_left_follows_from_what_is_left_and_how_fast_it_goes_now() -> None:
    assert seconds_left(Totals(done=10, left=500, exact=True), 100.0) == 5.0


@pytest.mark.parametrize(
    ("left", "speed", "seconds"),
    [(None, 100.0, None), (500, None, None), (500, 0.0, None), (0, None, 0.0), (0, 0.0, 0.0)],
)
def test_no_time_is_told_that_nobody_can_know(left: int | None, speed: float | None, seconds: float | None) -> None:
    assert seconds_left(Totals(done=10, left=left, exact=True), speed) == seconds


def test_the_total_is_exact_once_the_ledger_says_so() -> None:
    assert totals(counts(imported=4, pending=10, ahead=99)) == Totals(done=10, left=10, exact=True)


def test_before_that_it_is_an_estimate_with_what_lies_ahead() -> None:
    assert totals(counts(imported=4, pending=10, exact=False, ahead=90)) == Totals(done=10, left=100, exact=False)
    assert pending(counts(pending=10, exact=False, ahead=90)) == 100


def test_the_total_is_unknown_while_nobody_has_counted() -> None:
    unknown = totals(counts(imported=4, pending=10, exact=False))
    assert (unknown.left, unknown.planned, unknown.share) == (None, None, None)
    assert pending(counts(pending=10, exact=False)) == 10


def test_a_job_without_rows_is_done() -> None:
    assert Totals(done=0, left=0, exact=True).share == 1.0

import math
from random import Random

import pytest

from penstock.pacing.bucket import TokenBucket
from penstock.pacing.limits import AdaptiveLimit
from penstock.pacing.pace import THROTTLED_IN_A_ROW, UNKNOWN_IN_A_ROW, Pace
from penstock.pacing.shares import Share


def new_pace(*, limit: AdaptiveLimit | None = None) -> Pace:
    return Pace(
        limit=limit or AdaptiveLimit(256),
        bucket=TokenBucket(math.inf, 0.0),
        first_wait=1.0,
        longest_wait=30.0,
        random=Random(1),
    )


@pytest.fixture
def pace() -> Pace:
    """A pace whose worker may have 8 requests on the wire."""
    pace = new_pace()
    pace.set_share(Share(8, math.inf), 0.0)
    return pace


@pytest.fixture
def open_pace(pace: Pace) -> Pace:
    pace.accepted(0.01, 1, 0.0)
    return pace


def test_nothing_goes_out_before_the_ledger_has_given_a_share() -> None:
    assert new_pace().allowed() == 0


def test_a_run_starts_with_one_request_and_opens_up_after_the_first_accepted_answer(pace: Pace) -> None:
    assert pace.allowed() == 1
    pace.accepted(0.01, 1, 0.0)
    assert pace.allowed() == 8


def test_a_refused_row_opens_nothing(pace: Pace) -> None:
    pace.refused(0.0)
    assert pace.allowed() == 1


@pytest.fixture
def auto() -> Pace:
    """A pace that finds out what the API bears, of 8 at the most, and has opened up."""
    pace = new_pace()
    pace.set_share(Share(8, math.inf, adapts=True), 0.0)
    pace.accepted(0.02, 1, 0.0)
    return pace


def grow(pace: Pace, now: float) -> float:
    """Answers in 20 ms, with as many on the wire as may be, until there may be no more. Returns when that is."""
    while pace.allowed() < 8:
        now += 0.02
        pace.accepted(0.02, pace.allowed(), now)
        assert now < 60.0
    return now


def test_auto_begins_at_one_and_lets_no_more_out_than_its_share(auto: Pace) -> None:
    assert auto.allowed() == 1
    now = grow(auto, 0.0)
    for _ in range(1000):
        now += 0.0025
        auto.accepted(0.02, 8, now)
    assert auto.allowed() == 8


def test_auto_says_that_it_is_the_api_that_bears_no_more(auto: Pace) -> None:
    assert auto.limited_by(0.0, 1) == "API"
    assert auto.limited_by(0.0, 0) == ""
    assert auto.limited_by(grow(auto, 0.0), 8) == ""  # now it is the job file's max_concurrency


def test_after_a_hold_auto_begins_at_one_again(auto: Pace) -> None:
    now = grow(auto, 0.0)
    auto.held("answered 401", sent_at=now, now=now)
    auto.accepted(0.02, 1, now + 60.0)
    assert auto.allowed() == 1


def test_after_a_pause_auto_begins_at_one_again(auto: Pace) -> None:
    now = grow(auto, 0.0)
    auto.set_paused(True, now)
    auto.set_paused(False, now + 60.0)
    auto.accepted(0.02, 1, now + 60.1)
    assert auto.allowed() == 1


def test_a_number_given_while_auto_was_at_work_holds_at_once_and_auto_begins_at_one_again(auto: Pace) -> None:
    now = grow(auto, 0.0)
    auto.set_share(Share(5, math.inf), now)
    assert auto.allowed() == 5
    auto.set_share(Share(8, math.inf, adapts=True), now)
    assert auto.allowed() == 1


def test_auto_sends_further_apart_when_a_single_request_is_too_much(auto: Pace) -> None:
    waits = []
    for second in range(9):
        auto.throttled("answered 429", None, sent_at=100.0 * second, among=1, now=100.0 * second)
        waits.append(auto.delay(100.0 * second))
    assert auto.limited_by(800.0, 0) == "API"
    assert max(waits) > 4.0
    assert all(wait <= 30.0 for wait in waits)


def test_a_number_does_not_send_further_apart(open_pace: Pace) -> None:
    open_pace.throttled("answered 429", None, sent_at=0.0, among=1, now=1.0)
    assert open_pace.delay(1.0) == 0.0


def test_an_answer_that_blames_the_job_holds_the_run_with_one_request_at_a_time(open_pace: Pace) -> None:
    open_pace.held("answered 401", sent_at=9.9, now=10.0)
    assert open_pace.hold is not None
    assert open_pace.hold.reason == "answered 401"
    assert open_pace.allowed() == 1
    assert open_pace.delay(10.0) >= 1.0
    assert open_pace.limited_by(10.0, 8) == "hold"


def test_a_hold_feels_its_way_further_and_further_apart_up_to_the_longest_wait(open_pace: Pace) -> None:
    now, waits = 10.0, []
    for _ in range(200):
        open_pace.held("answered 401", sent_at=now, now=now)
        waits.append(open_pace.delay(now))
        now += waits[-1]
    assert min(waits) >= 1.0
    assert max(waits) <= 30.0
    assert max(waits) > 25.0


def test_requests_that_were_on_the_wire_when_the_hold_began_do_not_lengthen_it(open_pace: Pace) -> None:
    open_pace.held("answered 401", sent_at=9.0, now=10.0)
    before = open_pace.delay(10.0)
    for _ in range(50):
        open_pace.held("answered 401", sent_at=9.5, now=10.0)
    assert open_pace.delay(10.0) == before


def test_a_hold_ends_with_the_first_accepted_answer(open_pace: Pace) -> None:
    open_pace.held("answered 401", sent_at=9.0, now=10.0)
    open_pace.accepted(0.01, 1, 20.0)
    assert open_pace.hold is None
    assert open_pace.allowed() == 8


def test_a_refused_row_ends_a_hold_but_does_not_open_up(open_pace: Pace) -> None:
    open_pace.held("answered 401", sent_at=9.0, now=10.0)
    open_pace.refused(0.0)
    assert open_pace.hold is None
    assert open_pace.allowed() == 1


def test_retry_after_stops_every_request_of_the_worker(open_pace: Pace) -> None:
    open_pace.throttled("answered 429", 7.0, sent_at=99.0, among=8, now=100.0)
    assert open_pace.delay(100.0) == 7.0
    assert open_pace.limited_by(100.0, 8) == "Retry-After"
    assert open_pace.delay(107.0) == 0.0


def test_h45_nothing_but_throttled_answers_hold_the_run(open_pace: Pace) -> None:
    for _ in range(THROTTLED_IN_A_ROW - 1):
        open_pace.throttled("answered 429", None, sent_at=4.0, among=8, now=5.0)
    assert open_pace.hold is None
    open_pace.throttled("answered 429", None, sent_at=4.0, among=8, now=5.0)
    assert open_pace.hold is not None


def test_nothing_but_unknown_answers_hold_the_run(open_pace: Pace) -> None:
    for _ in range(UNKNOWN_IN_A_ROW - 1):
        open_pace.unknown("answered 500", sent_at=4.0, among=8, now=5.0)
    assert open_pace.hold is None
    open_pace.unknown("answered 500", sent_at=4.0, among=8, now=5.0)
    assert open_pace.hold is not None


def test_one_good_answer_in_between_keeps_the_run_going(open_pace: Pace) -> None:
    for _ in range(UNKNOWN_IN_A_ROW * 3):
        open_pace.unknown("answered 500", sent_at=4.0, among=8, now=5.0)
        open_pace.accepted(0.01, 1, 5.0)
    assert open_pace.hold is None


def test_a_blocked_pace_lets_nothing_out_until_every_block_is_gone(open_pace: Pace) -> None:
    open_pace.block("settle", "the ledger does not answer", 5.0)
    open_pace.block("announce", "the ledger does not answer", 6.0)
    assert open_pace.allowed() == 0
    assert open_pace.hold is not None
    assert open_pace.hold.since == 5.0
    open_pace.unblock("settle")
    assert open_pace.allowed() == 0
    open_pace.unblock("announce")
    assert open_pace.allowed() == 8


def test_a_paused_run_starts_again_with_one_request(open_pace: Pace) -> None:
    open_pace.set_paused(True, 0.0)
    assert open_pace.allowed() == 0
    assert open_pace.limited_by(0.0, 8) == "pause"
    open_pace.set_paused(False, 0.0)
    assert open_pace.allowed() == 1


def test_a_share_of_nothing_lets_nothing_out(open_pace: Pace) -> None:
    open_pace.set_share(Share(0, math.inf), 0.0)
    assert open_pace.allowed() == 0


def test_the_rate_delays_the_next_request(open_pace: Pace) -> None:
    open_pace.set_share(Share(8, 2.0), 0.0)
    assert open_pace.delay(0.0) == 0.0
    open_pace.sent(1)
    assert open_pace.delay(0.0) == 0.5
    assert open_pace.limited_by(0.0, 8) == "rate"


@pytest.fixture
def rated() -> Pace:
    """A pace that has opened up, of 8 requests at once and 10 a second, with its bucket full."""
    pace = new_pace()
    pace.set_share(Share(8, 10.0), 0.0)
    pace.accepted(0.01, 1, 0.0)
    return pace


def sent_at_once(pace: Pace, now: float) -> int:
    sent = 0
    while pace.delay(now) == 0.0:
        pace.sent(1)
        sent += 1
    return sent


def test_retry_after_that_another_worker_has_heard_stops_this_one_too(rated: Pace) -> None:
    assert rated.delay(1.0) == 0.0
    rated.heed(3.0, 1.0)
    assert rated.delay(1.0) >= 3.0
    assert rated.delay(3.99) > 0.0
    assert rated.limited_by(3.99, 0) == "Retry-After"
    assert rated.quiet(1.0) == 0.0, "it is not told again as if this worker had heard it"
    rated.heed(0.0, 2.0)
    assert rated.delay(2.0) >= 2.0


def test_no_other_worker_stops_this_one_for_longer_than_an_hour(rated: Pace) -> None:
    rated.heed(1e9, 0.0)
    assert 0.0 < rated.delay(3599.0) < 3600.0
    assert rated.delay(3601.0) == 0.0


@pytest.mark.parametrize("heard_by", ["itself", "another"])
def test_after_retry_after_nothing_has_been_saved_up(rated: Pace, heard_by: str) -> None:
    if heard_by == "itself":
        rated.throttled("429", 5.0, sent_at=1.0, among=1, now=1.0)
    else:
        rated.heed(5.0, 1.0)
    assert sent_at_once(rated, 6.0) == 0
    assert sent_at_once(rated, 6.1) == 1


def test_the_others_are_to_hear_of_a_retry_after_once(rated: Pace) -> None:
    def throttled(seconds: float | None, now: float) -> bool:
        return rated.throttled("429", seconds, sent_at=now, among=1, now=now)

    assert throttled(3.0, 1.0)
    assert rated.quiet(2.0) == 2.0
    assert not throttled(3.0, 1.01), "one of those that were on the wire with it"
    assert throttled(30.0, 2.0)
    assert not throttled(1.0, 3.0)
    assert not throttled(None, 3.0)
    assert rated.quiet(32.0) == 0.0


def test_a_share_that_the_others_may_have_by_now_is_not_used(rated: Pace) -> None:
    rated.set_share(Share(8, 10.0, until=5.0), 1.0)
    assert rated.delay(4.99) == 0.0
    assert rated.delay(5.0) > 0.0
    assert rated.limited_by(5.0, 0) == "ledger"
    rated.set_share(Share(8, 10.0, until=15.0), 10.0)
    assert rated.delay(10.0) == 0.0


def test_what_a_pause_leaves_unused_is_no_sign_that_less_would_do(rated: Pace) -> None:
    assert rated.unused(10.0) > 0.9
    rated.set_paused(True, 10.0)
    assert rated.unused(20.0) == 0.0

from collections.abc import Sequence

from penstock.engine.delivery import Delivery, OpenRange, OpenRanges
from penstock.ledger.ranges import Lease, RangeKind
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState
from penstock.rows import Row


def open_range(*, rows: int, read: bool = True, batch: int = 0) -> OpenRange:
    range_ = OpenRange(Lease(1, RangeKind.SPAN, "me", 1, batch), deadline=60.0)
    range_.outstanding = rows
    range_.is_read = read
    return range_


def imported(number: int) -> Settlement:
    return Settlement(str(number), RowState.IMPORTED, 1)


def test_a_batch_holds_no_more_than_asked_for_and_gets_the_next_number() -> None:
    range_ = open_range(rows=5, batch=7)
    range_.settlements = [imported(number) for number in range(5)]
    portion = range_.portion(3)
    assert [settlement.key for settlement in portion.settlements] == ["0", "1", "2"]
    assert (portion.batch, portion.remaining, portion.finished) == (8, 2, False)


def test_the_last_row_finishes_the_range() -> None:
    range_ = open_range(rows=2)
    range_.settlements = [imported(0), imported(1)]
    portion = range_.portion(500)
    assert portion.finished
    range_.applied(portion)
    assert range_.is_complete
    assert range_.settlements == []


def test_a_range_whose_reading_goes_on_is_not_finished_and_does_not_know_its_size() -> None:
    range_ = open_range(rows=1, read=False)
    range_.settlements = [imported(0)]
    portion = range_.portion(500)
    assert (portion.finished, portion.remaining) == (False, None)


def test_a_row_that_waits_is_not_final() -> None:
    range_ = open_range(rows=2)
    range_.settlements = [imported(0), Settlement("1", RowState.PENDING, 1)]
    portion = range_.portion(500)
    assert (portion.finished, portion.remaining) == (False, 1)
    range_.applied(portion)
    assert range_.outstanding == 1


def test_a_portion_made_again_before_it_is_applied_is_the_same_whatever_has_come_since() -> None:
    range_ = open_range(rows=3)
    range_.settlements = [imported(0)]
    first = range_.portion(500)
    range_.settlements.append(imported(1))
    assert range_.portion(500, release=True) is first
    range_.applied(first)
    second = range_.portion(500, release=True)
    assert (second.batch, [settlement.key for settlement in second.settlements]) == (2, ["1"])
    assert second.release


def in_window(range_: OpenRange, keys: Sequence[str]) -> list[Delivery]:
    deliveries = [Delivery(range_, Row(key, ()), b"", 0.0) for key in keys]
    range_.windows[1] = len(deliveries)
    range_.exposed.update(keys)
    for delivery in deliveries:
        delivery.window = 1
    return deliveries


def test_a_window_of_which_a_row_has_not_ended_is_dropped_with_the_batch_that_settles_its_others() -> None:
    range_ = open_range(rows=3)
    zero, one, two = in_window(range_, "012")
    two.leave_window()  # refused for now
    range_.exposed.discard("2")
    range_.settlements.append(imported(0))
    zero.leave_window(has_ended=True)
    range_.settlements.append(imported(1))
    one.leave_window(has_ended=True)
    first = range_.portion(1)
    assert first.windows_done == ()  # the batch that holds only the first key must leave the window
    range_.applied(first)
    second = range_.portion(500)
    assert second.windows_done == (1,)
    range_.applied(second)
    assert range_.exposed == set()
    assert range_.portion(500).windows_done == ()


def test_a_window_whose_rows_have_all_ended_goes_with_its_range() -> None:
    range_ = open_range(rows=3)
    for delivery in in_window(range_, "01"):
        range_.settlements.append(imported(int(delivery.key)))
        delivery.leave_window(has_ended=True)
    assert range_.windows == {}
    portion = range_.portion(500)
    assert (len(portion.settlements), portion.windows_done) == (2, ())
    range_.applied(portion)
    assert range_.exposed == set()


def test_leaving_a_window_twice_counts_once() -> None:
    range_ = open_range(rows=2)
    range_.windows[1] = 2
    delivery = Delivery(range_, Row("0", ()), b"", 0.0)
    delivery.window = 1
    delivery.leave_window()
    delivery.leave_window()
    assert range_.windows == {1: 1}


def test_a_range_given_back_is_not_finished() -> None:
    portion = open_range(rows=2).portion(500, release=True)
    assert (portion.release, portion.finished) == (True, False)


def test_a_lost_range_is_known_to_all_who_hold_it() -> None:
    let_go: list[int] = []
    ranges = OpenRanges(let_go.append)
    range_ = open_range(rows=1)
    ranges.open(range_)
    range_.exposed = {"0", "1"}
    assert ranges.exposed == 2
    assert ranges.lose(1) is range_
    assert range_.is_gone
    assert len(ranges) == ranges.exposed == 0
    assert ranges.lose(1) is None
    ranges.close(range_)
    assert let_go == [1], "once"

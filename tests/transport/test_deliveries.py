"""A number is taken by one at a time, and all its messages are acknowledged together."""

from __future__ import annotations

from penstock.transport.deliveries import Deliveries


def test_numbers_are_taken_in_the_order_in_which_they_came() -> None:
    deliveries: Deliveries[str] = Deliveries()
    for range_no in (3, 1, 2):
        deliveries.arrived(range_no, f"message {range_no}")
    assert [deliveries.take() for _ in range(4)] == [3, 1, 2, None]
    assert not deliveries.is_any_waiting


def test_b5_a_number_that_came_twice_is_taken_once_and_acknowledged_twice() -> None:
    deliveries: Deliveries[str] = Deliveries()
    deliveries.arrived(1, "first")
    deliveries.arrived(1, "second")
    assert deliveries.take() == 1
    deliveries.arrived(1, "third")
    assert deliveries.take() is None
    assert deliveries.done(1) == ["first", "second", "third"]


def test_a_number_may_come_again_after_it_was_done() -> None:
    deliveries: Deliveries[str] = Deliveries()
    deliveries.arrived(1, "first")
    deliveries.take()
    deliveries.done(1)
    deliveries.arrived(1, "second")
    assert deliveries.take() == 1


def test_what_is_done_before_it_was_taken_is_not_taken_any_more() -> None:
    deliveries: Deliveries[str] = Deliveries()
    deliveries.arrived(1, "first")
    assert deliveries.done(1) == ["first"]
    assert deliveries.take() is None


def test_an_unknown_number_has_no_messages() -> None:
    assert Deliveries[str]().done(7) == []


def test_b6_messages_of_a_lost_channel_are_forgotten_and_what_is_taken_stays_taken() -> None:
    deliveries: Deliveries[str] = Deliveries()
    deliveries.arrived(1, "taken, old channel")
    deliveries.arrived(2, "waits, old channel")
    deliveries.take()
    deliveries.lost()
    assert deliveries.take() is None
    deliveries.arrived(1, "new channel")
    assert deliveries.take() is None
    assert deliveries.done(1) == ["new channel"]

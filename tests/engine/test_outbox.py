import asyncio
import math
from collections.abc import Callable, Sequence
from random import Random

import pytest

from penstock.engine.delivery import Delivery, OpenRange
from penstock.engine.outbox import Outbox
from penstock.ledger.ranges import Lease, RangeKind
from penstock.pacing.bucket import TokenBucket
from penstock.pacing.limits import AdaptiveLimit
from penstock.pacing.pace import Pace
from penstock.pacing.shares import Share
from penstock.rows import Row


class Surroundings:
    """What an outbox looks at, to be set by hand: clocks, room, renewals."""

    def __init__(self) -> None:
        self.now = 100.0
        self.has_room = True
        self.renewals = 0
        self.sent: list[Delivery] = []
        self.pace = Pace(
            limit=AdaptiveLimit(8),
            bucket=TokenBucket(math.inf, 0.0),
            first_wait=1,
            longest_wait=1,
            random=Random(1),
        )
        self.pace.set_share(Share(2, math.inf), 0.0)
        self.pace.accepted(0.01, 1, 0.0)
        self.range = OpenRange(Lease(1, RangeKind.SPAN, "me", 1, 0), deadline=160.0)

    def outbox(self, send: Callable[[Sequence[Delivery]], None] | None = None) -> Outbox:
        return Outbox(
            pace=self.pace,
            time=lambda: self.now,
            boottime=lambda: self.now,
            total=30.0,
            has_room=lambda: self.has_room,
            renew=self.renew,
            low=3,
            send=send or self.sent.extend,
        )

    def renew(self) -> None:
        self.renewals += 1

    def deliveries(self, count: int) -> list[Delivery]:
        return [Delivery(self.range, Row(str(number), ()), b"", self.now) for number in range(count)]


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


async def test_no_more_go_out_at_once_than_the_pace_allows(around: Surroundings) -> None:
    outbox = around.outbox()
    deliveries = around.deliveries(3)
    outbox.put(deliveries)
    assert (around.sent, outbox.in_flight) == (deliveries[:2], 2)
    outbox.left()
    assert around.sent == deliveries[:2]
    outbox.pump()
    assert (around.sent, outbox.in_flight) == (deliveries, 2)


async def test_nothing_goes_out_while_answers_cannot_be_settled(around: Surroundings) -> None:
    outbox = around.outbox()
    around.has_room = False
    outbox.put(around.deliveries(1))
    assert not around.sent
    around.has_room = True
    outbox.pump()
    assert len(around.sent) == 1


async def test_p15_no_request_starts_that_could_outlive_its_lease(around: Surroundings) -> None:
    outbox = around.outbox()
    around.now = 131.0  # 30 s for an attempt, and the lease is good for 29
    outbox.put(around.deliveries(1))
    assert not around.sent
    assert around.renewals > 0
    around.range.deadline = 190.0
    outbox.pump()
    assert len(around.sent) == 1


async def test_rows_of_a_lost_range_are_dropped(around: Surroundings) -> None:
    outbox = around.outbox()
    around.pace.set_share(Share(0, math.inf), 0.0)
    outbox.put(around.deliveries(2))
    around.range.is_gone = True
    around.pace.set_share(Share(2, math.inf), 0.0)
    outbox.pump()
    assert not around.sent
    assert outbox.is_idle
    await outbox.idle()


async def test_the_rate_is_kept(around: Surroundings) -> None:
    outbox = around.outbox()
    around.pace.set_share(Share(2, 2.0), around.now)
    outbox.put(around.deliveries(2))
    assert len(around.sent) == 1
    around.now += 0.5
    outbox.pump()
    assert len(around.sent) == 2


async def test_more_is_wanted_when_few_are_left(around: Surroundings) -> None:
    outbox = around.outbox()
    around.pace.set_share(Share(0, math.inf), 0.0)
    outbox.put(around.deliveries(3))
    wanted = asyncio.create_task(outbox.wanted())
    await asyncio.sleep(0)
    assert not wanted.done()
    around.pace.set_share(Share(1, math.inf), 0.0)
    outbox.pump()
    await wanted


async def test_a_closed_outbox_keeps_what_did_not_go_out(around: Surroundings) -> None:
    outbox = around.outbox()
    around.pace.set_share(Share(1, math.inf), 0.0)
    early, late = around.deliveries(3), around.deliveries(1)
    outbox.put(early)
    outbox.close()
    outbox.put(late)
    around.pace.set_share(Share(9, math.inf), 0.0)
    outbox.pump()
    assert around.sent == early[:1]
    assert outbox.kept() == [*early[1:], *late]
    assert outbox.kept() == []
    idle = asyncio.create_task(outbox.idle())
    await asyncio.sleep(0)
    assert not idle.done()
    outbox.left()
    await idle


async def test_it_is_idle_when_nothing_waits_and_nothing_is_on_the_wire(around: Surroundings) -> None:
    outbox = around.outbox()
    assert outbox.is_idle
    outbox.put(around.deliveries(1))
    assert not outbox.is_idle
    outbox.left()
    await outbox.idle()


async def test_what_ends_as_soon_as_it_is_let_go_makes_room_for_the_next(around: Surroundings) -> None:
    """However many do: nothing is let go from within what was let go before."""
    around.pace.set_share(Share(1, math.inf), 0.0)

    def send(deliveries: Sequence[Delivery]) -> None:
        around.sent.extend(deliveries)
        outbox.left()
        outbox.pump_soon()

    outbox = around.outbox(send)
    deliveries = around.deliveries(5000)
    outbox.put(deliveries)
    await outbox.idle()
    assert around.sent == deliveries


async def test_what_the_answers_of_a_turn_make_room_for_goes_out_together(around: Surroundings) -> None:
    together: list[int] = []
    outbox = around.outbox(lambda deliveries: together.append(len(deliveries)))
    around.pace.set_share(Share(3, math.inf), 0.0)
    outbox.put(around.deliveries(6))
    for _ in range(3):
        outbox.left()
        outbox.pump_soon()
    assert (together, outbox.in_flight) == ([3], 0)
    await asyncio.sleep(0)
    assert (together, outbox.in_flight) == ([3, 3], 3)


async def test_together_go_no_more_than_the_rate_has_saved_up(around: Surroundings) -> None:
    together: list[int] = []
    outbox = around.outbox(lambda deliveries: together.append(len(deliveries)))
    around.pace.set_share(Share(9, 16.0), around.now)
    around.now += 10.0
    outbox.put(around.deliveries(9))
    assert together == [2]  # one, and what a tenth of a second brings
    around.now += 0.125
    outbox.pump()
    assert together == [2, 2]


async def test_rows_read_long_ago_are_told(around: Surroundings) -> None:
    outbox = around.outbox()
    old = around.deliveries(2)
    around.now += 100
    outbox.put([*old, *around.deliveries(1)])
    assert outbox.stale(150.0, 10) == old
    assert outbox.stale(150.0, 1) == old[:1]


async def turns(outbox: Outbox) -> asyncio.Task[bool]:
    """Somebody who waits for a turn; everything that can happen has happened when this returns."""
    task = asyncio.create_task(outbox.turn())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_a_turn_is_a_request_like_any_other(around: Surroundings) -> None:
    outbox = around.outbox()
    around.pace.set_share(Share(2, 2.0), around.now)
    first, second = await turns(outbox), await turns(outbox)
    assert (first.done(), second.done(), outbox.in_flight, outbox.is_idle) == (True, False, 1, False)
    around.now += 0.5
    outbox.pump()
    assert await second
    around.now += 0.5
    third = await turns(outbox)
    assert (third.done(), outbox.in_flight) == (False, 2)
    outbox.left()
    outbox.pump()
    assert await third


async def test_while_deliveries_wait_at_most_every_other_request_is_a_turn(around: Surroundings) -> None:
    outbox = around.outbox()
    around.pace.set_share(Share(1, math.inf), around.now)
    outbox.put(around.deliveries(3))
    waiting = [await turns(outbox) for _ in range(3)]
    order: list[str] = []
    for _ in range(5):
        sent = len(around.sent)
        outbox.left()
        outbox.pump()
        await asyncio.sleep(0)
        order.append("delivery" if len(around.sent) > sent else "turn")
    assert order == ["turn", "delivery", "turn", "delivery", "turn"]  # the first of the three went at once
    await asyncio.gather(*waiting)


async def test_a_paused_or_closed_outbox_gives_no_turn(around: Surroundings) -> None:
    outbox = around.outbox()
    around.pace.set_paused(True, around.now)
    asker = await turns(outbox)
    assert not asker.done()
    outbox.close()
    assert not await asker
    assert not await outbox.turn()
    await outbox.idle()


async def test_a_turn_given_to_somebody_who_is_gone_is_given_back(around: Surroundings) -> None:
    outbox = around.outbox()
    around.pace.set_share(Share(0, math.inf), around.now)
    asker = await turns(outbox)
    around.pace.set_share(Share(1, math.inf), around.now)
    outbox.pump()  # it has its turn, and has not heard of it
    assert outbox.in_flight == 1
    asker.cancel()
    await asyncio.gather(asker, return_exceptions=True)
    assert outbox.in_flight == 0
    await outbox.idle()


async def test_once_closed_it_lets_no_attempt_start(around: Surroundings) -> None:
    outbox = around.outbox()
    [delivery] = around.deliveries(1)
    assert outbox.may_start(delivery)
    outbox.close()
    assert not outbox.may_start(delivery)

"""Ranges that others have left behind: taken over without being leased, and open for whoever has room."""

from __future__ import annotations

import asyncio

import pytest
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    PULSE,
    SECONDS,
    Bench,
    everybody,
    imported,
    knows,
    last_portion,
    marked,
    nobody,
    nothing,
    pending,
    portion,
    released,
    span,
    take,
)

from penstock.errors import LeaseLost
from penstock.ledger.ranges import Free, Lease, Left, RangeKind, WindowKey


async def test_left_is_what_others_hold_no_more_and_nothing_else(bench: Bench) -> None:
    hers, his = await span(bench.alice, None, "9"), await span(bench.bob, "9", "19", BOB)
    given_back = await span(bench.alice, "19", "29")
    await bench.alice.settle([released(given_back, 1)], marked)

    assert await bench.bob.left(BOB, nobody) == []
    assert await bench.bob.left(BOB, everybody) == [Left(hers.range_no, 1, is_proven=True)]
    await bench.run_out(hers)
    assert await bench.bob.left(BOB, nobody) == [Left(hers.range_no, 1, is_proven=False)]
    await bench.run_out(his)
    assert await bench.bob.left(BOB, nobody) == [Left(hers.range_no, 1, is_proven=False)], (
        "a heartbeat of its own is late"
    )


async def test_what_another_loop_of_the_same_worker_is_just_leasing_is_not_left(bench: Bench) -> None:
    """It stands there as leased before the worker has heard that it has it."""
    await span(bench.bob, None, "9", BOB)

    assert await bench.alice.left(BOB, everybody) == []


async def test_a_range_left_open_is_nobodys_and_may_be_leased_by_anybody(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, [WindowKey("1"), WindowKey("2"), WindowKey("3")], 30.0)
    await bench.alice.settle([portion(lease, 1, [*imported("1"), *pending("4")])], marked)
    await bench.run_out(lease)
    [left] = await bench.bob.left(BOB, nobody)

    assert await bench.bob.leave_open(left, BOB, knows(*imported("2", receipt="told by a journal")))

    assert await bench.states() == {"1": "imported", "2": "imported", "3": "in_doubt", "4": "pending"}
    assert await bench.windows() == 0
    assert await bench.bob.left(BOB, everybody) == []
    assert await bench.bob.free(10, BOB, nobody) == [Free(lease.range_no, 2)]
    await bench.assert_it_adds_up()
    events = [event for event in await bench.model.events(limit=100) if event.kind == "take_over"]
    assert [(event.owner, event.range_no) for event in events] == [(BOB, lease.range_no)]
    assert events[0].detail == (f"from {ALICE} under fence 1: its lease had run out; 1 rows known, 1 in doubt")

    taken = await take(bench.bob)

    assert taken == Lease(lease.range_no, RangeKind.SPAN, BOB, fence=3, batch=1, after=None, upto="9")
    assert (await bench.kinds()).count("take_over") == 1, "leasing what is open is no take-over"
    await bench.bob.settle([last_portion(taken, 2, imported("4", "5"))], marked)
    await bench.assert_it_adds_up()


async def test_whoever_had_a_range_that_was_left_open_has_lost_it(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)
    [left] = await bench.bob.left(BOB, nobody)
    assert await bench.bob.leave_open(left, BOB, nothing)

    with pytest.raises(LeaseLost):
        await bench.alice.settle([portion(lease, 1, imported("1"))], marked)
    with pytest.raises(LeaseLost):
        await bench.alice.open_window(lease, 1, [WindowKey("1")], 1.0)
    lost, _ = await bench.alice.renew([lease], SECONDS, ALICE, PULSE)
    assert lost == {lease.range_no}


async def test_what_was_renewed_or_taken_since_it_was_looked_at_is_not_left_open(bench: Bench) -> None:
    hers = await span(bench.alice, None, "9")
    await bench.run_out(hers)
    [left] = await bench.bob.left(BOB, nobody)

    await bench.alice.renew([hers], SECONDS, ALICE, PULSE)
    assert not await bench.bob.leave_open(left, BOB, nothing)

    await bench.run_out(hers)
    assert await take(bench.bob)
    assert not await bench.bob.leave_open(left, BOB, nothing)
    assert not await bench.bob.leave_open(left._replace(is_proven=True), BOB, nothing)
    assert await bench.sql("SELECT owner, fence FROM penstock_ranges") == [(BOB, 2)]


async def test_of_several_that_see_the_same_range_left_one_takes_it_over(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)
    [left] = await bench.bob.left(BOB, nobody)

    done = await asyncio.gather(
        *(ledger.leave_open(left, BOB, nothing) for ledger in (bench.alice, bench.bob) for _ in range(3))
    )

    assert done.count(True) == 1
    assert (await bench.kinds()).count("take_over") == 1
    assert await bench.bob.free(10, BOB, nobody) == [Free(lease.range_no, 2)]


async def test_p10_take_overs_that_leave_a_range_open_are_counted_and_progress_makes_it_harmless(bench: Bench) -> None:
    lease: Lease | None = await span(bench.alice, None, "9")
    for take_over in (1, 2, 3):
        assert lease is not None
        await bench.run_out(lease)
        [left] = await bench.bob.left(BOB, nobody)
        assert await bench.bob.leave_open(left, BOB, nothing)
        lease = await take(bench.alice, ALICE)
        assert lease is not None
        assert lease.one_by_one is (take_over == 3)

    assert lease is not None
    await bench.alice.settle([portion(lease, 1, imported("1"))], marked)
    await bench.run_out(lease)
    [left] = await bench.bob.left(BOB, nobody)
    assert await bench.bob.leave_open(left, BOB, nothing)
    assert not (await take(bench.bob)).one_by_one


async def test_a_sweep_that_was_left_is_open_and_keeps_others_from_planning(bench: Bench) -> None:
    sweep = await bench.alice.start_sweep(ALICE, SECONDS)
    assert sweep is not None
    await bench.run_out(sweep)
    [left] = await bench.bob.left(BOB, nobody)

    assert await bench.bob.leave_open(left, BOB, nothing)

    assert await bench.bob.start_sweep(BOB, SECONDS) is None
    assert await bench.bob.plan(None, "9", 9, BOB, SECONDS) is None
    assert (await take(bench.bob)).kind is RangeKind.SWEEP


async def test_a_dead_worker_counts_no_longer_once_its_range_is_left_open(bench: Bench) -> None:
    await span(bench.alice, None, "9")
    [left] = await bench.bob.left(BOB, everybody)

    assert await bench.bob.leave_open(left, BOB, nothing)

    assert [worker.owner for worker in await bench.model.workers()] == [BOB]

"""Planning and leasing: each range is made once and has one owner."""

from __future__ import annotations

import asyncio

from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    SECONDS,
    Bench,
    everybody,
    imported,
    last_portion,
    marked,
    nobody,
    nothing,
    portion,
    released,
    span,
    take,
)

from penstock.ledger.ranges import Lease, RangeKind


async def test_a_span_is_planned_and_leased_at_once(bench: Bench) -> None:
    lease = await bench.alice.plan(None, "100", 100, ALICE, SECONDS)

    assert lease == Lease(1, RangeKind.SPAN, ALICE, fence=1, batch=0, after=None, upto="100")
    assert await bench.bob.cursor() == "100"
    assert await bench.bob.lease(BOB, SECONDS, nothing, nobody) is None


async def test_only_one_of_two_planners_gets_a_span(bench: Bench) -> None:
    leases = await asyncio.gather(
        bench.alice.plan(None, "100", 100, ALICE, SECONDS), bench.bob.plan(None, "120", 120, BOB, SECONDS)
    )

    assert sum(lease is not None for lease in leases) == 1
    [(count,)] = await bench.sql("SELECT COUNT(*) FROM penstock_ranges")
    assert count == 1


async def test_a_span_that_another_has_just_planned_is_the_others(bench: Bench) -> None:
    assert await bench.alice.plan(None, "100", 100, ALICE, SECONDS) is not None

    assert await bench.bob.plan(None, "100", 100, BOB, SECONDS) is None


async def test_planning_again_after_a_lost_commit_finds_the_span(bench: Bench) -> None:
    first = await bench.bob.plan(None, "100", 100, ALICE, SECONDS)  # its answer never reached alice

    assert await bench.alice.plan(None, "100", 100, ALICE, SECONDS) == first
    assert await bench.alice.plan(None, "100", 100, ALICE, SECONDS) is None, "it is being worked on now"


async def test_p16_two_workers_never_lease_the_same_range(bench: Bench) -> None:
    for start in range(6):
        lease = await span(bench.alice, None if start == 0 else str(start), str(start + 1))
        await bench.alice.settle([released(lease, 1)], marked)

    async def drain(worker: str) -> list[int]:
        ledger = bench.alice if worker == ALICE else bench.bob
        taken = []
        while (lease := await ledger.lease(worker, SECONDS, nothing, nobody)) is not None:
            taken.append(lease.range_no)
        return taken

    hers, his = await asyncio.gather(drain(ALICE), drain(BOB))

    assert sorted(hers + his) == [1, 2, 3, 4, 5, 6]


async def test_a_range_given_back_is_leased_with_what_is_known_of_it(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, imported("6", "7"))], marked)
    await bench.alice.settle([released(lease, 2)], marked)

    assert await take(bench.bob) == Lease(1, RangeKind.SPAN, BOB, fence=2, batch=2, after=None, upto="9")
    assert "take_over" not in await bench.kinds()


async def test_a_range_whose_lease_runs_is_nobody_elses(bench: Bench) -> None:
    await span(bench.alice, None, "9")

    assert await bench.bob.lease(BOB, SECONDS, nothing, nobody) is None


async def test_a_range_whose_lease_has_run_out_is_taken_over(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)

    taken = await take(bench.bob)

    assert (taken.range_no, taken.owner, taken.fence) == (1, BOB, 2)
    assert (await bench.kinds())[-1] == "take_over"


async def test_a_dead_owners_range_is_taken_over_at_once(bench: Bench) -> None:
    await span(bench.alice, None, "9")

    taken = await bench.bob.lease(BOB, SECONDS, nothing, everybody)

    assert taken is not None
    assert taken.fence == 2
    assert [worker.owner for worker in await bench.model.workers()] == [BOB], "the dead one counts no more"


async def test_nobody_takes_over_from_himself(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)  # a late heartbeat; its pipeline runs

    assert await bench.alice.lease(ALICE, SECONDS, nothing, everybody) is None


async def test_a_lease_whose_answer_was_lost_is_leased_again_at_once(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([released(lease, 1)], marked)
    lost = await take(bench.bob, ALICE)  # in alice's name, and she never heard of it

    again = await bench.alice.lease(ALICE, SECONDS, nothing, nobody)

    assert again is not None
    assert (again.range_no, again.fence) == (lost.range_no, lost.fence + 1)


async def test_a_single_range_can_be_asked_for(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "1"), await span(bench.alice, "1", "2")
    await bench.alice.settle([released(first, 1), released(second, 1)], marked)

    taken = await bench.bob.lease(BOB, SECONDS, nothing, nobody, second.range_no)

    assert taken is not None
    assert taken.range_no == second.range_no
    assert await bench.bob.lease(BOB, SECONDS, nothing, nobody, second.range_no) is None


async def test_p10_a_range_taken_over_three_times_without_progress_is_worked_one_row_at_a_time(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    for ledger, owner in ((bench.bob, BOB), (bench.alice, ALICE)):
        await bench.run_out(lease)
        lease = await take(ledger, owner)
        assert not lease.one_by_one
    await bench.run_out(lease)

    assert (await take(bench.bob)).one_by_one


async def test_progress_in_between_makes_a_range_harmless_again(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    for ledger, owner in ((bench.bob, BOB), (bench.alice, ALICE), (bench.bob, BOB)):
        await ledger_settles_one(bench, lease)
        await bench.run_out(lease)
        lease = await take(ledger, owner)

    assert not lease.one_by_one


async def ledger_settles_one(bench: Bench, lease: Lease) -> None:
    ledger = bench.alice if lease.owner == ALICE else bench.bob
    await ledger.settle([portion(lease, lease.batch + 1, imported(f"{lease.fence}"))], marked)


async def test_a_range_that_is_done_is_never_leased_again(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, imported("1"))], marked)

    assert await bench.bob.lease(BOB, SECONDS, nothing, everybody) is None
    assert await bench.alice.unfinished() == 0

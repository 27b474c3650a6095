"""Sweeps and keys ranges: what the cursor missed is found, what a person names is delivered, one at a time."""

from __future__ import annotations

import asyncio

import pytest
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    JOB,
    SECONDS,
    Bench,
    everybody,
    failed,
    imported,
    last_portion,
    marked,
    nobody,
    nothing,
    pending,
    portion,
    released,
    span,
)

from penstock.errors import LeaseLost, LedgerRefused
from penstock.ledger.opening import open_ledger
from penstock.ledger.ranges import RangeKind, WindowKey
from penstock.ledger.states import RowState


async def test_a_sweep_begins_when_every_span_is_done(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    assert await bench.bob.start_sweep(BOB, SECONDS) is None
    await bench.alice.settle([last_portion(lease, 1, imported("1"))], marked)

    sweep = await bench.bob.start_sweep(BOB, SECONDS)

    assert sweep is not None
    assert (sweep.kind, sweep.owner) == (RangeKind.SWEEP, BOB)
    assert await bench.alice.start_sweep(ALICE, SECONDS) is None, "one at a time"


async def test_nothing_is_planned_while_a_sweep_walks(bench: Bench) -> None:
    """It makes pending what is behind the cursor, too: rows of a span would be on the wire already."""
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, imported("9"))], marked)
    sweep = await bench.alice.start_sweep(ALICE, SECONDS)
    assert sweep is not None

    assert await bench.bob.plan("9", "12", 3, BOB, SECONDS) is None
    assert await bench.bob.cursor() == "9"
    await bench.alice.finish_sweep(sweep, 0)

    await span(bench.bob, "9", "12", BOB)


async def test_either_a_sweep_begins_or_a_span_is_planned(bench: Bench) -> None:
    planned, begun = await asyncio.gather(
        bench.bob.plan(None, "9", 9, BOB, SECONDS), bench.alice.start_sweep(ALICE, SECONDS)
    )

    assert (planned is None) != (begun is None)


async def test_only_one_of_two_begins_a_sweep(bench: Bench) -> None:
    sweeps = await asyncio.gather(bench.alice.start_sweep(ALICE, SECONDS), bench.bob.start_sweep(BOB, SECONDS))

    assert sum(sweep is not None for sweep in sweeps) == 1


async def test_a_sweep_whose_answer_was_lost_is_the_same_sweep(bench: Bench) -> None:
    lost = await bench.bob.start_sweep(ALICE, SECONDS)  # in alice's name, and she never heard of it

    assert await bench.alice.start_sweep(ALICE, SECONDS) == lost


async def test_a_finished_sweep_tells_what_it_found(bench: Bench) -> None:
    assert await bench.alice.last_sweep() is None
    sweep = await bench.alice.start_sweep(ALICE, SECONDS)
    assert sweep is not None

    for _ in range(2):  # the second time as after a lost COMMIT
        await bench.alice.finish_sweep(sweep, 3)

    assert await bench.bob.last_sweep() == (sweep.range_no, 3)
    assert await bench.bob.unfinished() == 0


async def test_a_sweep_that_was_taken_over_cannot_finish_or_add(bench: Bench) -> None:
    sweep = await bench.alice.start_sweep(ALICE, SECONDS)
    assert sweep is not None
    taken = await bench.bob.lease(BOB, SECONDS, nothing, everybody)
    assert taken is not None
    assert taken.kind is RangeKind.SWEEP

    with pytest.raises(LeaseLost):
        await bench.alice.add_keys(["1"], lease=sweep, reason="found")
    with pytest.raises(LeaseLost):
        await bench.alice.finish_sweep(sweep, 0)

    assert await bench.states() == {}
    await bench.bob.finish_sweep(taken, 0)


async def test_what_a_sweep_finds_waits_in_a_new_range(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, imported("2"))], marked)
    sweep = await bench.alice.start_sweep(ALICE, SECONDS)

    new, range_no = await bench.alice.add_keys(["1", "2", "3"], lease=sweep, reason="found by the sweep")

    assert (new, range_no) == (2, 3)
    found = await bench.bob.lease(BOB, SECONDS, nothing, nobody)
    assert found is not None
    assert (found.range_no, found.kind) == (range_no, RangeKind.KEYS)
    rows = await bench.bob.waiting(found.range_no, None, 10)
    assert [(row.key, row.reason) for row in rows] == [("1", "found by the sweep"), ("3", "found by the sweep")]
    assert (await bench.alice.counts()).pending == 2
    assert await bench.alice.add_keys(["1", "2", "3"], lease=sweep, reason="found by the sweep") == (0, None)
    await bench.assert_it_adds_up()


async def test_a_key_asked_for_is_delivered_alone(bench: Bench) -> None:
    new, range_no = await bench.alice.add_keys(["7"], lease=None, reason="asked for by key")

    assert new == 1
    lease = await bench.alice.lease(ALICE, SECONDS, nothing, nobody, range_no)
    assert lease is not None
    assert [row.key for row in await bench.alice.waiting(lease.range_no, None, 10)] == ["7"]


async def test_a_key_asked_for_is_taken_out_of_the_range_it_waits_in(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, pending("1", "2"))], marked)
    await bench.alice.settle([released(lease, 2)], marked)

    new, range_no = await bench.alice.add_keys(["1"], lease=None, reason="asked for by key")

    assert new == 0
    row = (await bench.alice.look_up(["1"]))["1"]
    assert (row.range_no, row.state, row.reason) == (range_no, RowState.PENDING, "refused for now")
    await bench.assert_it_adds_up()


async def test_a_key_that_has_ended_is_not_delivered_again_by_asking_for_it(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, [*imported("1"), *failed("2")])], marked)

    assert await bench.alice.add_keys(["1", "2"], lease=None, reason="asked for by key") == (0, None)


async def test_single_keys_are_refused_while_another_worker_has_a_range(bench: Bench) -> None:
    await span(bench.bob, None, "9", BOB)

    with pytest.raises(LedgerRefused, match="stop it"):
        await bench.alice.add_keys(["7"], lease=None, reason="asked for by key")

    assert await bench.states() == {}


async def test_a_key_that_a_dead_worker_may_have_sent_is_not_sent_by_asking_for_it(bench: Bench) -> None:
    lease = await span(bench.bob, None, "9", BOB)
    await bench.bob.open_window(lease, 1, [WindowKey("7")], 30.0)
    carol = await open_ledger(bench.database, JOB, is_dead=everybody)

    assert await carol.add_keys(["7"], lease=None, reason="asked for by key") == (0, None)
    new, _ = await carol.add_keys(["8"], lease=None, reason="asked for by key")

    assert new == 1
    while (await bench.alice.lease(ALICE, SECONDS, nothing, everybody)) is not None:
        pass
    assert await bench.states() == {"7": "in_doubt", "8": "pending"}


async def test_counts_are_an_estimate_until_a_sweep_has_begun_behind_the_last_span(bench: Bench) -> None:
    await bench.alice.tell_total(30)
    lease = await span(bench.alice, None, "9", keys=10)
    counts = await bench.alice.counts()
    assert (counts.pending, counts.pending_exact, counts.ahead) == (10, False, 20)

    await bench.alice.settle([portion(lease, 1, imported("1"), remaining=4)], marked)
    counts = await bench.alice.counts()
    assert (counts.imported, counts.pending, counts.pending_exact) == (1, 4, False)

    await bench.alice.settle([last_portion(lease, 2, imported("2", "3", "4", "5"))], marked)
    assert await bench.alice.start_sweep(ALICE, SECONDS) is not None
    counts = await bench.alice.counts()
    assert (counts.imported, counts.pending, counts.pending_exact, counts.ahead) == (5, 0, True, 0)


async def test_claimed_are_the_keys_in_windows_that_have_not_ended(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9", keys=10)
    await bench.alice.open_window(lease, 1, [WindowKey("1"), WindowKey("2")], 30.0)
    await bench.alice.open_window(lease, 2, [WindowKey("2"), WindowKey("3")], 30.0)
    await bench.alice.settle([portion(lease, 1, imported("1"))], marked)

    assert (await bench.alice.counts()).claimed == 2

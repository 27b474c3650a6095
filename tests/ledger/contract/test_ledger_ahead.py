"""Planning ahead for whoever comes first, and what the dispatcher of a broker is told."""

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
    released,
    span,
    take,
)

from penstock.ledger.ranges import Free, Lease, RangeKind, Span

SPANS = (Span(None, "10", 10), Span("10", "20", 10), Span("20", "30", 10))


async def test_spans_planned_ahead_are_open_and_in_order(bench: Bench) -> None:
    planned = await bench.alice.plan_ahead(SPANS)

    assert await bench.bob.cursor() == "30"
    assert planned == await bench.alice.free(10, ALICE, nobody) == [Free(1, 0), Free(2, 0), Free(3, 0)]
    assert await take(bench.bob) == Lease(1, RangeKind.SPAN, BOB, fence=1, batch=0, after=None, upto="10")
    counts = await bench.alice.counts()
    assert counts.pending == 30


async def test_two_who_plan_ahead_plan_each_span_once(bench: Bench) -> None:
    done = await asyncio.gather(bench.alice.plan_ahead(SPANS), bench.bob.plan_ahead(SPANS[:2]))

    assert sorted(map(len, done)) in ([1, 2], [0, 3])
    assert await bench.alice.free(10, ALICE, nobody) == sorted([*done[0], *done[1]])
    spans = await bench.sql("SELECT after_key, upto_key FROM penstock_ranges ORDER BY range_no")
    assert spans == [(None, "10"), ("10", "20"), ("20", "30")]
    assert (await bench.alice.counts()).pending == 30


async def test_what_others_have_planned_of_the_spans_meanwhile_is_left_out(bench: Bench) -> None:
    hers = await span(bench.alice, None, "10")

    assert await bench.bob.plan_ahead(SPANS) == [Free(hers.range_no + 1, 0), Free(hers.range_no + 2, 0)]
    assert await bench.bob.cursor() == "30"
    assert not await bench.alice.plan_ahead(SPANS), "all of them are planned"
    assert await bench.sql("SELECT next_range FROM penstock_jobs") == [(4,)]


async def test_nothing_is_planned_ahead_behind_another_cursor_or_beside_a_sweep(bench: Bench) -> None:
    assert await bench.alice.plan_ahead(SPANS[:1])
    assert not await bench.bob.plan_ahead([Span(None, "9", 9), Span("9", "19", 10)])
    assert not await bench.bob.plan_ahead(SPANS[2:])
    assert len(await bench.bob.free(10, BOB, nobody)) == 1

    lease = await take(bench.bob)
    await bench.bob.settle([last_portion(lease, 1, imported("5"))], marked)
    assert await bench.bob.start_sweep(BOB, SECONDS) is not None
    assert not await bench.alice.plan_ahead(SPANS[1:])
    assert await bench.alice.cursor() == "10"


async def test_free_are_the_open_ones_and_those_whose_owner_is_gone(bench: Bench) -> None:
    assert await bench.alice.plan_ahead(SPANS)
    hers = await take(bench.alice, ALICE)
    his = await take(bench.bob)
    assert await bench.alice.free(10, ALICE, nobody) == [Free(3, 0)]

    await bench.run_out(his)
    assert await bench.alice.free(10, ALICE, nobody) == [Free(his.range_no, 1), Free(3, 0)]
    assert await bench.bob.free(10, BOB, everybody) == [Free(hers.range_no, 1), Free(3, 0)], (
        "his own is being worked on"
    )

    await bench.alice.settle([released(hers, 1)], marked)
    assert await bench.alice.free(10, ALICE, nobody) == [Free(his.range_no, 1), Free(hers.range_no, 1), Free(3, 0)]
    assert await bench.alice.free(2, ALICE, nobody) == [Free(his.range_no, 1), Free(hers.range_no, 1)]


async def test_a_range_is_leased_by_its_number(bench: Bench) -> None:
    assert await bench.alice.plan_ahead(SPANS)

    lease = await bench.bob.lease(BOB, SECONDS, nothing, nobody, only=2)

    assert lease is not None
    assert (lease.range_no, lease.after, lease.upto) == (2, "10", "20")
    assert await bench.alice.lease(ALICE, SECONDS, nothing, nobody, only=2) is None
    assert await bench.alice.lease(ALICE, SECONDS, nothing, nobody, only=99) is None


async def test_all_workers_of_a_job_are_told_the_same_signing_key(bench: Bench) -> None:
    assert await bench.model.signing_key() == b"", "a reader makes none"

    hers, his = await asyncio.gather(bench.alice.signing_key(), bench.bob.signing_key())

    assert hers == his == await bench.alice.signing_key() == await bench.model.signing_key()
    assert len(hers) == 32
    assert len(set(hers)) > 8


async def test_a_reset_keeps_the_signing_key(bench: Bench) -> None:
    key = await bench.alice.signing_key()
    await bench.run_out(await span(bench.alice, None, "9"))

    await bench.desk.reset(renew_keys=True)

    assert await bench.bob.signing_key() == key

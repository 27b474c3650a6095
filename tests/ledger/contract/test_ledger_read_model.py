"""The read model: what people look at."""

from __future__ import annotations

from tests.ledger.contract.bench import (
    ALICE,
    JOB,
    Bench,
    everybody,
    failed,
    imported,
    in_doubt,
    marked,
    pending,
    portion,
    span,
)

from penstock.events import EventKind
from penstock.ledger.events import Event
from penstock.ledger.opening import read_model
from penstock.ledger.rows import Cause, Counts, Settlement
from penstock.ledger.states import RowState

ALL = frozenset(RowState)


async def test_rows_come_by_state_in_key_text_order_page_by_page(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, [*failed("10", "2"), *imported("1"), *in_doubt("3")])], marked)

    troubled = frozenset({RowState.FAILED, RowState.IN_DOUBT})
    first = await bench.model.rows(troubled, None, 2)
    rest = await bench.model.rows(troubled, first[-1].key, 2)

    assert [row.key for row in first] == ["10", "2"]
    assert [(row.key, row.state) for row in rest] == [("3", RowState.IN_DOUBT)]
    assert len(await bench.model.rows(ALL, None, 100)) == 4


async def test_one_row_is_found_by_its_key(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, imported('["north",17]'))], marked)

    row = await bench.model.row('["north",17]')

    assert row is not None
    assert (row.state, row.receipt, row.attempts, row.status) == (RowState.IMPORTED, "r", 1, 201)
    assert await bench.model.row("17") is None


async def test_causes_are_counted_the_most_frequent_first(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    rows = [
        *imported("1"),
        *failed("4", "3", "2", reason="no stock"),
        *failed("5", reason="no stock", status=409),
        *in_doubt("6", "7"),
        Settlement("8", RowState.SKIPPED),
    ]
    await bench.alice.settle([portion(lease, 1, rows)], marked)

    assert await bench.model.causes() == [
        Cause(RowState.FAILED, 422, "no stock", 3, "2"),
        Cause(RowState.IN_DOUBT, None, "timed out", 2, "6"),
        Cause(RowState.FAILED, 409, "no stock", 1, "5"),
        Cause(RowState.SKIPPED, None, "", 1, "8"),
    ]


async def test_events_of_a_row_are_its_own_and_those_of_its_range_the_newest_first(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.alice, "5", "9")
    await bench.alice.settle([portion(first, 1, failed("1", "2")), portion(second, 1, failed("6"))], marked)
    await bench.alice.note([Event(EventKind.FURTHER_ATTEMPT, "mine", "1", first.range_no)], ALICE)
    await bench.alice.note([Event(EventKind.FURTHER_ATTEMPT, "my neighbour's", "2", first.range_no)], ALICE)
    await bench.alice.note([Event(EventKind.TAKE_OVER, "my range's", None, first.range_no)], ALICE)
    await bench.alice.note([Event(EventKind.TAKE_OVER, "another range's", None, second.range_no)], ALICE)

    assert [event.detail for event in await bench.model.events(key="1")] == ["my range's", "mine"]
    assert [event.detail for event in await bench.model.events(limit=1)] == ["another range's"]
    assert all(event.at.utcoffset() is not None for event in await bench.model.events())


async def test_the_history_comes_page_by_page_the_oldest_first(bench: Bench) -> None:
    await bench.alice.note([Event(EventKind.HOLD_STARTED, "it is away"), Event(EventKind.HOLD_ENDED)], ALICE)

    first = await bench.model.history(0, 3)
    rest = await bench.model.history(first[-1][0], 3)

    assert [(event.kind, event.detail) for _, event in [*first[2:], *rest]] == [
        (EventKind.HOLD_STARTED, "it is away"),
        (EventKind.HOLD_ENDED, ""),
    ]
    assert [event.kind for _, event in first[:2]] == [EventKind.RUN_STARTED] * 2
    assert {event.owner for _, event in rest} == {ALICE}
    assert all(event.at.utcoffset() is not None for _, event in first)
    assert not await bench.model.history(rest[-1][0], 3)


async def test_pages_of_rows_of_every_state_leave_none_out(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    rows = [*failed("10"), *imported("2", "1"), *in_doubt("3"), *pending("4"), Settlement("5", RowState.SKIPPED)]
    await bench.alice.settle([portion(lease, 1, rows)], marked)

    pages, after = [], None
    while page := await bench.model.rows(ALL, after, 2):
        pages.append([row.key for row in page])
        after = page[-1].key

    assert pages == [["1", "10"], ["2", "3"], ["4", "5"]]


async def test_a_detail_longer_than_its_column_is_cut(bench: Bench) -> None:
    await bench.alice.note([Event(EventKind.HOLD_STARTED, "ü" * 5000)], ALICE)

    assert (await bench.model.events(limit=1))[0].detail == "ü" * 1000


async def test_a_worker_whose_process_is_gone_is_not_shown_alive(bench: Bench) -> None:
    model = await read_model(bench.database, JOB, is_dead=everybody)

    assert [worker.alive for worker in await model.workers()] == [False, False]
    assert [worker.alive for worker in await bench.model.workers()] == [True, True]


async def test_a_job_that_was_never_run_has_nothing_in_it(bench: Bench) -> None:
    model = await read_model(bench.database, "customers")

    assert await model.counts() == Counts(0, 0, 0, 0, 0, 0, pending_exact=False)
    assert (await model.control()).workers == 0
    assert [*await model.workers(), *await model.causes(), *await model.rows(ALL, None, 9)] == []
    assert await model.row("1") is None
    assert [*await model.events(), *await model.history(0, 9)] == []
    assert await bench.sql("SELECT name FROM penstock_jobs") == [(JOB,)], "looking makes nothing"


async def test_wishes_and_the_number_of_workers_are_shown(bench: Bench) -> None:
    await bench.desk.set_limits(rate=5.5, concurrency=None)

    control = await bench.model.control()

    assert (control.rate, control.concurrency, control.paused, control.workers) == (5.5, None, False, 2)

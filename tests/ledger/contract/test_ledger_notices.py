"""Rows of which others are told: which there are, in order and page by page, and which have been told of as they are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    SECONDS,
    Bench,
    failed,
    imported,
    in_doubt,
    last_portion,
    marked,
    pending,
    portion,
    span,
    take,
)

from penstock.ledger.ranges import Span
from penstock.ledger.rows import Notice, Selection
from penstock.ledger.states import RowState

EVERY_FAILURE = Selection(frozenset({RowState.FAILED}))
FIRST = (0, "")


async def untold(bench: Bench, state: RowState = RowState.FAILED) -> Sequence[Notice]:
    return [notice for notice in await bench.bob.notices(state, FIRST, 100) if not notice.is_told]


async def test_a_row_that_ended_badly_is_told_as_the_ledger_has_it(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    rows = [*imported("1"), *failed('"A-2"', reason="no such article"), *in_doubt("3"), *pending("4")]
    await bench.alice.settle([portion(lease, 1, rows)], marked)

    [refused] = await bench.bob.notices(RowState.FAILED, FIRST, 10)
    [doubted] = await bench.bob.notices(RowState.IN_DOUBT, FIRST, 10)

    known = await bench.alice.look_up(['"A-2"', "3"])
    assert refused == Notice(
        '"A-2"', lease.range_no, RowState.FAILED, 1, 422, "no such article", known['"A-2"'].updated_at, is_told=False
    )
    assert doubted == Notice(
        "3", lease.range_no, RowState.IN_DOUBT, 1, None, "timed out", known["3"].updated_at, is_told=False
    )


async def test_what_has_been_told_is_known_to_all_workers_and_told_twice_is_told_once(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, failed("1", "2", "3"))], marked)
    first, second, _ = await untold(bench)

    await bench.alice.told([first, second])
    await bench.alice.told([second])

    assert [notice.key for notice in await untold(bench)] == ["3"]
    assert len(await bench.bob.notices(RowState.FAILED, FIRST, 10)) == 3
    assert await bench.sql("SELECT COUNT(*) FROM penstock_notices") == [(2,)]


@pytest.mark.parametrize("moment", ["2026-01-02 03:04:05.000", "2026-01-02 03:04:05.120", "2026-12-31 23:59:59.999"])
async def test_a_time_is_written_as_the_row_has_it(bench: Bench, moment: str) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, failed("1"))], marked)
    offset = "+00" if bench.database.kind == "postgresql" else ""
    await bench.sql(f"UPDATE penstock_rows SET updated_at = '{moment}{offset}'")

    await bench.alice.told(await untold(bench))

    assert await untold(bench) == []
    assert await bench.sql(
        "SELECT COUNT(*) FROM penstock_notices JOIN penstock_rows ON penstock_notices.updated_at = penstock_rows.updated_at"
    ) == [(1,)]


async def test_a_row_that_fails_once_more_is_told_of_once_more(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, failed("1", "2"))], marked)
    before = await untold(bench)
    await bench.alice.told(before)

    await bench.desk.retry(EVERY_FAILURE, renew_keys=False)
    assert await bench.bob.notices(RowState.FAILED, FIRST, 10) == []
    again = await take(bench.bob)
    await bench.bob.settle([last_portion(again, 1, [*failed("1"), *imported("2")])], marked)

    [notice] = await untold(bench)
    assert (notice.key, notice.range_no) == ("1", again.range_no)
    assert notice.updated_at > before[0].updated_at
    await bench.alice.told([notice])
    assert await untold(bench) == []


async def test_what_was_told_of_a_row_in_doubt_is_not_told_of_the_failed_one(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, in_doubt("1"))], marked)
    await bench.alice.told(await untold(bench, RowState.IN_DOUBT))

    await bench.desk.resolve(Selection(frozenset({RowState.IN_DOUBT})), RowState.FAILED, receipt=None, note="not there")

    assert [notice.key for notice in await untold(bench)] == ["1"]


async def test_they_come_page_by_page_in_the_order_of_ranges_and_keys(bench: Bench) -> None:
    for after, keys in ((None, ("3", "1", "2")), ("3", ("9", "7", "8")), ("9", ("4", "5"))):
        lease = await span(bench.alice, after, keys[0])
        await bench.alice.settle([last_portion(lease, 1, failed(*keys))], marked)

    found: list[Notice] = []
    place = FIRST
    while page := await bench.bob.notices(RowState.FAILED, place, 2):
        assert len(page) <= 2
        found += page
        place = (page[-1].range_no, page[-1].key)

    assert [(notice.range_no, notice.key) for notice in found] == [
        (1, "1"), (1, "2"), (1, "3"), (2, "7"), (2, "8"), (2, "9"), (3, "4"), (3, "5"),
    ]  # fmt: skip
    assert [notice.key for notice in await bench.bob.notices(RowState.FAILED, (2, ""), 9)] == ["7", "8", "9", "4", "5"]


async def test_before_the_first_unfinished_range_every_row_has_ended(bench: Bench) -> None:
    assert await bench.bob.first_unfinished() == 1

    await bench.alice.plan_ahead([Span(None, "10", 10), Span("10", "20", 10), Span("20", "30", 10)])
    assert await bench.bob.first_unfinished() == 1

    first, second = await take(bench.alice, ALICE), await take(bench.bob, BOB)
    await bench.bob.settle([last_portion(second, 1, failed("15"))], marked)
    assert await bench.bob.first_unfinished() == first.range_no

    await bench.alice.settle([last_portion(first, 1, failed("5"))], marked)
    assert await bench.bob.first_unfinished() == 3

    await bench.bob.settle([last_portion(await take(bench.bob), 1, imported("25"))], marked)
    assert await bench.bob.first_unfinished() == 4
    assert await bench.alice.start_sweep(ALICE, SECONDS) is not None
    assert await bench.bob.first_unfinished() == 4


async def test_a_reset_forgets_who_was_told(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, failed("1"))], marked)
    await bench.alice.told(await untold(bench))

    await bench.desk.reset(renew_keys=False)

    assert await bench.sql("SELECT COUNT(*) FROM penstock_notices") == [(0,)]

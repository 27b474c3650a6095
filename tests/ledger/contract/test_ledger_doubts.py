"""Rows in doubt that the API is asked about: what it says is written only on a row that is still the one it was asked about."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    Bench,
    imported,
    in_doubt,
    last_portion,
    locked,
    marked,
    pending,
    portion,
    span,
    take,
)

from penstock.events import EventKind
from penstock.ledger.ranges import WindowKey
from penstock.ledger.rows import Asked, Doubt, LedgerRow, Selection, Settlement
from penstock.ledger.states import RowState

EVERY_DOUBT = Selection(frozenset({RowState.IN_DOUBT}))
LONG_AGO = "UPDATE penstock_rows SET updated_at = '2001-01-01 00:00:00.000'"


async def doubts(bench: Bench, *keys: str) -> Sequence[Doubt]:
    """A range that is done, and every row in doubt, these of it among them, as alice sees them."""
    lease = await span(bench.alice, await bench.alice.cursor(), keys[-1])
    rows = [settlement._replace(fingerprint=-(2**63), first_sent=1.5) for settlement in in_doubt(*keys)]
    await bench.alice.settle([last_portion(lease, 1, rows)], marked)
    return await bench.alice.in_doubt(None, 100)


def found(doubt: Doubt, receipt: str = "id-7") -> Asked:
    settlement = Settlement(doubt.row.key, RowState.IMPORTED, doubt.row.attempts, 200, receipt=receipt)
    return Asked(doubt.row, settlement, "it has arrived")


def absent(doubt: Doubt) -> Asked:
    settlement = Settlement(doubt.row.key, RowState.PENDING, doubt.row.attempts, doubt.row.status, "it was not there")
    return Asked(doubt.row, settlement, "it has not arrived")


def given_up(doubt: Doubt) -> Asked:
    return Asked(doubt.row, Settlement(doubt.row.key, RowState.FAILED, 8, None, "attempts used up"), "used up")


def unknown(doubt: Doubt, detail: str = "answered 500", said: str = "") -> Asked:
    return Asked(doubt.row, Settlement(doubt.row.key, RowState.IN_DOUBT), detail, said)


async def probed(bench: Bench) -> list[tuple[str | None, str, int | None, str | None]]:
    """Key, detail, range and worker of each event, the oldest first."""
    return [
        (event.key, event.detail, event.range_no, event.owner)
        for event in reversed(await bench.model.events())
        if event.kind is EventKind.PROBED
    ]


async def test_rows_in_doubt_come_page_by_page_in_the_order_of_ranges_and_keys(bench: Bench) -> None:
    await doubts(bench, "10", "2", "9")
    await doubts(bench, "1", "11")
    lease = await span(bench.alice, "11", "20")
    await bench.alice.settle([portion(lease, 1, [*imported("12"), *in_doubt("13"), *pending("14")])], marked)

    seen: list[str] = []
    after: LedgerRow | None = None
    while page := await bench.bob.in_doubt(after, 2):
        seen += [doubt.row.key for doubt in page]
        after = page[-1].row

    assert seen == ["10", "2", "9", "1", "11", "13"]


async def test_the_age_of_a_doubt_is_by_the_ledgers_clock(bench: Bench) -> None:
    [doubt] = await doubts(bench, "1")
    assert 0.0 <= doubt.age < 60.0

    await bench.sql(LONG_AGO)
    [old] = await bench.alice.in_doubt(None, 10)
    assert old.age > 20 * 365 * 86400.0


async def test_a_row_that_was_found_is_imported_and_flagged_with_its_receipt(bench: Bench) -> None:
    one, two = await doubts(bench, "1", "2")

    assert await bench.alice.settle_asked([found(one), unknown(two)], ALICE, marked) == [found(one)]

    assert await bench.states() == {"1": "imported", "2": "in_doubt"}
    row = (await bench.alice.look_up(["1"]))["1"]
    assert (row.receipt, row.status, row.reason, row.range_no, row.fence) == ("id-7", 200, None, 1, 1)
    assert row.attempts == one.row.attempts
    assert await bench.alice.flags_due(10) == []
    assert await probed(bench) == [("1", "it has arrived", 1, ALICE), ("2", "answered 500", 1, ALICE)]
    await bench.assert_it_adds_up()


@pytest.mark.parametrize("has_marker", [True, False])
async def test_a_flag_that_cannot_be_set_with_it_is_due(bench: Bench, has_marker: bool) -> None:
    [doubt] = await doubts(bench, "1")

    await bench.alice.settle_asked([found(doubt)], ALICE, locked if has_marker else None)

    [(range_no, _)] = await bench.alice.flags_due(10)
    assert await bench.alice.accepted(range_no, None, 10) == [("1", "id-7")]
    await bench.assert_it_adds_up()


async def test_a_row_that_was_absent_waits_in_a_new_range_with_its_attempts_counted(bench: Bench) -> None:
    one, two, _ = await doubts(bench, "1", "2", "3")

    settled = await bench.alice.settle_asked([absent(one), absent(two)], ALICE, marked)

    assert len(settled) == 2
    await bench.assert_it_adds_up()
    lease = await take(bench.bob)
    waiting = await bench.bob.waiting(lease.range_no, None, 10)
    assert [(row.key, row.attempts, row.reason) for row in waiting] == [
        ("1", 1, "it was not there"),
        ("2", 1, "it was not there"),
    ]
    assert [(row.fingerprint, row.first_sent) for row in waiting] == [(None, None)] * 2
    assert await probed(bench) == [(key, "it has not arrived", lease.range_no, ALICE) for key in ("1", "2")]
    await bench.bob.settle([last_portion(lease, 1, imported("1", "2"))], marked)
    await bench.assert_it_adds_up()


async def test_a_row_given_up_has_failed(bench: Bench) -> None:
    [doubt] = await doubts(bench, "1")

    await bench.alice.settle_asked([given_up(doubt)], ALICE, marked)

    assert await bench.states() == {"1": "failed"}
    await bench.assert_it_adds_up()


async def test_rows_of_a_live_range_add_up_too(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, in_doubt("1", "2"))], marked)
    one, two = await bench.bob.in_doubt(None, 10)

    await bench.bob.settle_asked([found(one), absent(two)], BOB, marked)
    await bench.alice.settle([last_portion(lease, 2, imported("3"))], marked)

    assert await bench.states() == {"1": "imported", "2": "pending", "3": "imported"}
    await bench.assert_it_adds_up()


async def test_of_two_that_asked_the_first_wins_whatever_the_other_heard(bench: Bench) -> None:
    [hers] = await doubts(bench, "1")
    [his] = await bench.bob.in_doubt(None, 10)

    assert await bench.bob.settle_asked([found(his)], BOB, marked)
    assert await bench.alice.settle_asked([absent(hers)], ALICE, marked) == []

    assert await bench.states() == {"1": "imported"}
    assert len(await probed(bench)) == 1
    await bench.assert_it_adds_up()


async def test_the_same_row_in_doubt_once_more_is_not_the_one_that_was_asked_about(bench: Bench) -> None:
    [seen] = await doubts(bench, "1")
    await bench.alice.settle_asked([absent(seen)], ALICE, marked)
    again = await take(bench.bob)
    await bench.bob.settle([last_portion(again, 1, in_doubt("1"))], marked)

    assert await bench.alice.settle_asked([absent(seen)], ALICE, marked) == []

    assert await bench.states() == {"1": "in_doubt"}
    await bench.assert_it_adds_up()


async def test_a_later_moment_alone_makes_it_another_doubt(bench: Bench) -> None:
    [seen] = await doubts(bench, "1")
    await bench.sql(LONG_AGO)

    assert await bench.alice.settle_asked([found(seen)], ALICE, marked) == []

    assert await bench.states() == {"1": "in_doubt"}


@pytest.mark.parametrize("word", [RowState.IMPORTED, RowState.FAILED, RowState.PENDING])
async def test_a_persons_word_meanwhile_wins(bench: Bench, word: RowState) -> None:
    [seen] = await doubts(bench, "1")
    await bench.desk.resolve(EVERY_DOUBT, word, receipt="theirs", note="looked it up")

    assert await bench.alice.settle_asked([found(seen, "ours")], ALICE, marked) == []

    assert await bench.states() == {"1": word.value}
    assert (await bench.alice.look_up(["1"]))["1"].receipt != "ours"
    await bench.assert_it_adds_up()


async def test_a_late_answer_meanwhile_wins_and_one_that_comes_after_is_no_news(bench: Bench) -> None:
    hers = await span(bench.alice, None, "9")
    await bench.alice.open_window(hers, 1, [WindowKey("1"), WindowKey("2")], 30.0)
    await bench.run_out(hers)
    await take(bench.bob)
    one, two = await bench.bob.in_doubt(None, 10)

    await bench.alice.settle_late(hers, imported("1", receipt="late"), marked)
    assert await bench.bob.settle_asked([absent(one), found(two, "asked")], BOB, marked) == [found(two, "asked")]
    await bench.alice.settle_late(hers, imported("2", receipt="late"), marked)

    rows = await bench.alice.look_up(["1", "2"])
    assert {key: row.receipt for key, row in rows.items()} == {"1": "late", "2": "asked"}
    assert "sent_twice" not in await bench.kinds()
    await bench.assert_it_adds_up()


async def test_nothing_is_written_after_a_reset(bench: Bench) -> None:
    [seen] = await doubts(bench, "1")
    await bench.alice.leave(ALICE, "done")
    await bench.bob.leave(BOB, "done")
    await bench.desk.reset(renew_keys=False)

    assert await bench.alice.settle_asked([found(seen)], ALICE, marked) == []

    assert await bench.states() == {}
    await bench.assert_it_adds_up()


async def test_what_the_api_says_again_and_again_is_told_once(bench: Bench) -> None:
    [doubt] = await doubts(bench, "1")

    for detail, said in [("answered 500", "id 1"), ("answered 500", "id 2"), ("neither", ""), ("answered 500", "id 3")]:
        await bench.alice.settle_asked([unknown(doubt, detail, said)], ALICE, marked)

    details = [detail for _, detail, _, _ in await probed(bench)]
    assert details == ["answered 500; the API said: id 1", "neither", "answered 500; the API said: id 3"]
    assert (await bench.alice.look_up(["1"]))["1"] == doubt.row


async def test_people_see_how_many_doubts_are_too_young(bench: Bench) -> None:
    assert await bench.model.doubts(600.0) == (0, 0, 0.0)
    await doubts(bench, "1", "2", "3")
    await bench.sql(LONG_AGO + " WHERE row_key = '2'")

    ahead = await bench.model.doubts(600.0)

    assert (ahead.rows, ahead.young) == (3, 2)
    assert 540.0 < ahead.seconds <= 600.0
    assert await bench.model.doubts(0.0) == (3, 0, 0.0)

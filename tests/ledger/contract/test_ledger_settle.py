"""Settling: one commit, fenced, counted, told apart from its own repetition."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    Bench,
    failed,
    imported,
    in_doubt,
    last_portion,
    locked,
    marked,
    pending,
    portion,
    released,
    span,
    take,
)

from penstock.errors import LeaseLost
from penstock.events import EventKind
from penstock.ledger.events import Event
from penstock.ledger.ranges import Portion, WindowKey
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState


async def test_a_settled_row_keeps_everything_that_is_known_of_it(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    whole = Settlement('"ä😀"', RowState.FAILED, 3, 422, "refused: é", "id-9", '{"code":7}', -(2**62), 1763945000.25)
    await bench.alice.settle([portion(lease, 1, [whole])], marked)

    row = (await bench.alice.look_up(['"ä😀"', '"never"']))['"ä😀"']

    assert Settlement(row.key, row.state, *row[4:11]) == whole
    assert (row.range_no, row.fence) == (1, 1)
    assert row.updated_at.utcoffset() is not None


async def test_many_rows_with_much_in_common_are_kept_like_few(bench: Bench) -> None:
    """Those of two ranges in one batch, with some among them that are not like the others."""
    first, second = await span(bench.alice, None, "5"), await span(bench.alice, "5", "9")
    early = [Settlement(f'"ä{n}"', RowState.IMPORTED, 1, 201, None, f"é\n{n}", None, -n) for n in range(300)]
    odd = [
        Settlement("1", RowState.IMPORTED, 2, 200, None, None, None, None),
        Settlement("2", RowState.IMPORTED, 1, 201, None, "r", None, 7, 1763945000.25),
        Settlement("3", RowState.IMPORTED, 1, 201, "by hand", "r", "said", 7),
        *failed("4"),
        *pending("5"),
    ]
    late = [Settlement(f"{n}", RowState.IMPORTED, 1, 201, None, None, None, None) for n in range(600, 800)]

    await bench.alice.settle([portion(first, 1, [*early[:150], *odd, *early[150:]]), portion(second, 1, late)], marked)

    everything = [*early, *odd, *late]
    rows = await bench.alice.look_up([settlement.key for settlement in everything])
    kept = {settlement.key: settlement for settlement in everything}
    kept |= {f'"ä{n}"': early[n]._replace(receipt=f"é {n}") for n in range(300)}  # a line end becomes a space
    assert {row.key: Settlement(row.key, row.state, *row[4:11]) for row in rows.values()} == kept
    assert {(row.range_no, row.fence) for row in rows.values()} == {(1, 1), (2, 1)}
    assert {row.range_no for row in rows.values() if row.key in {settlement.key for settlement in late}} == {2}
    await bench.assert_it_adds_up()


async def test_one_of_many_rows_that_another_range_has_settled_stays_as_it_is(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.alice, "5", "9")
    await bench.alice.settle([portion(first, 1, failed("777"))], marked)

    await bench.alice.settle([portion(second, 1, imported(*map(str, range(600, 800))))], marked)

    states = await bench.states()
    assert (states.pop("777"), set(states.values()), len(states)) == ("failed", {"imported"}, 199)
    await bench.assert_it_adds_up()


async def test_keys_are_compared_byte_by_byte(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, imported('"a"', '"A"', '"ä"', '"a "'))], marked)

    assert len(await bench.states()) == 4
    assert list(await bench.alice.look_up(['"A"'])) == ['"A"']


async def test_of_many_keys_those_without_a_row_are_told(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, [*imported("1"), *pending("2")])], marked)

    assert await bench.alice.unknown(["1", "2", "3", '"1"']) == {"3", '"1"'}


async def test_a_row_that_waited_and_then_ended_in_one_batch_has_ended(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")

    await bench.alice.settle(
        [portion(lease, 1, [*pending("1", "2"), *failed("1"), *pending("2", attempts=2)], remaining=1)], marked
    )

    assert await bench.states() == {"1": "failed", "2": "pending"}
    assert (await bench.alice.look_up(["2"]))["2"].attempts == 2
    await bench.assert_it_adds_up()


async def test_texts_longer_than_their_columns_are_cut_between_characters(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    long = Settlement("1", RowState.FAILED, 1, 400, "😀" * 999, "r" * 999, "a\x00\n\ud800" * 999)
    await bench.alice.settle([portion(lease, 1, [long])], marked)

    row = (await bench.alice.look_up(["1"]))["1"]

    assert row.reason == "😀" * 300
    assert row.receipt == "r" * 255
    assert row.answer == "a   " * 250


async def test_several_ranges_are_settled_in_one_commit_and_counted_apart(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.alice, "5", "9")

    await bench.alice.settle(
        [
            last_portion(second, 1, [*imported("6"), *failed("7")]),
            portion(first, 1, [*in_doubt("1"), *pending("2")], remaining=2),
        ],
        marked,
    )

    counts = await bench.alice.counts()
    assert (counts.imported, counts.failed, counts.in_doubt, counts.pending) == (1, 1, 1, 2)
    assert await bench.alice.unfinished() == 1
    await bench.assert_it_adds_up()


async def test_a_stalled_worker_cannot_settle_after_a_take_over(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)
    await take(bench.bob)

    with pytest.raises(LeaseLost) as lost:
        await bench.alice.settle([portion(lease, 1, imported("1"))], marked)

    assert lost.value.range_no == lease.range_no
    assert await bench.states() == {}


async def test_a_worker_whose_range_was_taken_over_and_given_back_cannot_settle(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)
    await bench.bob.settle([released(await take(bench.bob), 1)], marked)

    with pytest.raises(LeaseLost):
        await bench.alice.settle([portion(lease, 2, imported("1"))], marked)


async def test_a_worker_that_leased_its_range_again_cannot_write_by_the_old_lease(bench: Bench) -> None:
    old = await span(bench.alice, None, "9")
    await bench.run_out(old)
    await bench.bob.settle([released(await take(bench.bob), 1)], marked)
    await take(bench.alice, ALICE)

    with pytest.raises(LeaseLost):
        await bench.alice.settle([portion(old, 2, imported("1"))], marked)
    with pytest.raises(LeaseLost):
        await bench.alice.open_window(old, 1, [WindowKey("1")], 30.0)

    assert (await bench.states(), await bench.windows()) == ({}, 0)


async def test_a_batch_number_that_the_new_owner_has_used_is_not_taken_for_ones_own(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)
    # Given back, it is nobody's: the owner does not tell any more whose batch it was.
    await bench.bob.settle([released(await take(bench.bob), 1, imported("1"))], marked)

    with pytest.raises(LeaseLost):
        await bench.alice.settle([portion(lease, 1, imported("2"))], marked)


async def test_a_worker_that_gave_its_range_back_cannot_settle(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([released(lease, 1, pending("1"))], marked)

    with pytest.raises(LeaseLost):
        await bench.alice.settle([portion(lease, 2, imported("1"))], marked)

    assert await bench.states() == {"1": "pending"}


async def test_a_worker_of_a_ledger_that_was_set_back_writes_nothing_for_who_has_its_range_now(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.sql("DELETE FROM penstock_ranges")
    await bench.sql("UPDATE penstock_jobs SET cursor_key = NULL, next_range = 1")
    again = await span(bench.bob, None, "9", BOB)
    assert (again.range_no, again.fence, again.batch) == (lease.range_no, lease.fence, lease.batch)

    with pytest.raises(LeaseLost):
        await bench.alice.open_window(lease, 1, [WindowKey("1")], 30.0)
    with pytest.raises(LeaseLost):
        await bench.alice.settle([portion(lease, 1, imported("1"))], marked)

    assert (await bench.states(), await bench.windows()) == ({}, 0)
    await bench.bob.settle([portion(again, 1, imported("2"))], marked)
    with pytest.raises(LeaseLost):  # and takes no batch of the other for one of its own that had been applied
        await bench.alice.settle([portion(lease, 1, imported("1"))], marked)
    assert await bench.states() == {"2": "imported"}


async def test_a_row_that_has_ended_is_not_ended_again_in_its_own_range(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, imported("1"))], marked)

    await bench.alice.settle([portion(lease, 2, failed("1"))], marked)

    assert await bench.states() == {"1": "imported"}
    await bench.assert_it_adds_up()


async def test_one_lost_range_rolls_the_whole_batch_back(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.alice, "5", "9")
    await bench.run_out(second)
    await take(bench.bob)

    with pytest.raises(LeaseLost) as lost:
        await bench.alice.settle([portion(first, 1, imported("1")), portion(second, 1, imported("6"))], marked)

    assert lost.value.range_no == second.range_no
    assert await bench.states() == {}
    await bench.alice.settle([portion(first, 1, imported("1"))], marked)
    assert await bench.states() == {"1": "imported"}


async def test_the_same_portion_again_is_settled_once(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    again = Portion(lease, 1, [*imported("1"), *failed("2")], events=[Event(EventKind.FURTHER_ATTEMPT, "again", "2")])
    await bench.alice.settle([again], marked)

    await bench.alice.settle([again], marked)

    counts = await bench.alice.counts()
    assert (counts.imported, counts.failed) == (1, 1)
    assert (await bench.kinds()).count("further_attempt") == 1
    await bench.alice.settle([portion(lease, 2, imported("3"))], marked)
    await bench.assert_it_adds_up()


async def test_the_last_portion_again_is_settled_once(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    for _ in range(2):
        await bench.alice.settle([last_portion(lease, 1, imported("1", "2"))], marked)

    assert (await bench.alice.counts()).imported == 2
    await bench.assert_it_adds_up()


async def test_a_portion_applied_before_does_not_keep_its_company_from_being_settled(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.alice, "5", "9")
    applied = portion(first, 1, imported("1"))
    await bench.alice.settle([applied], locked)

    await bench.alice.settle([applied, portion(second, 1, imported("6"))], marked)

    assert [range_no for range_no, _ in await bench.alice.flags_due(10)] == [first.range_no], (
        "its flags could not be set at the first try"
    )
    assert (await bench.alice.counts()).imported == 2
    await bench.assert_it_adds_up()


async def test_a_row_imported_under_another_range_stays_as_it_is(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.bob, "5", "9", BOB)
    await bench.alice.settle([portion(first, 1, imported("3", receipt="first"))], marked)

    await bench.bob.settle([portion(second, 1, [*failed("3"), *imported("6")])], marked)

    row = (await bench.alice.look_up(["3"]))["3"]
    assert (row.state, row.receipt, row.range_no) == (RowState.IMPORTED, "first", first.range_no)
    await bench.assert_it_adds_up()


async def test_a_row_accepted_twice_by_two_ranges_raises_an_alarm(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.bob, "5", "9", BOB)
    await bench.alice.settle([portion(first, 1, imported("3"))], marked)
    flagged: list[str] = []

    async def mark(connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
        flagged.extend(settlement.key for settlement in accepted)
        return True

    await bench.bob.settle([portion(second, 1, imported("3", "6"))], mark)

    assert "sent_twice" in await bench.kinds()
    assert flagged == ["6"]


async def test_a_pending_row_of_another_range_is_that_ranges(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.bob, "5", "9", BOB)
    await bench.alice.settle([portion(first, 1, pending("3"))], marked)

    await bench.bob.settle([portion(second, 1, failed("3"))], marked)

    assert await bench.states() == {"3": "pending"}
    await bench.assert_it_adds_up()


@pytest.mark.parametrize("end", [imported("3"), failed("3"), in_doubt("3"), [Settlement("3", RowState.SKIPPED)]])
async def test_a_pending_row_ends_in_any_final_state(bench: Bench, end: list[Settlement]) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, pending("3"))], marked)

    await bench.alice.settle([last_portion(lease, 2, end)], marked)

    assert await bench.states() == {"3": end[0].state.value}
    await bench.assert_it_adds_up()


async def test_rows_and_flags_are_one_commit(bench: Bench) -> None:
    await bench.sql("CREATE TABLE shop (id INTEGER PRIMARY KEY, is_import INTEGER)")
    await bench.sql("INSERT INTO shop VALUES (1, 0), (2, 0)")
    lease = await span(bench.alice, None, "9")

    async def mark(connection: AsyncConnection, accepted: Sequence[Settlement]) -> bool:
        for settlement in accepted:
            await connection.execute(text("UPDATE shop SET is_import = 1 WHERE id = :id"), {"id": int(settlement.key)})
        return True

    await bench.alice.settle([portion(lease, 1, [*imported("1"), *failed("2")])], mark)
    assert await bench.sql("SELECT id, is_import FROM shop ORDER BY id") == [(1, 1), (2, 0)]

    await bench.run_out(lease)
    await take(bench.bob)
    with pytest.raises(LeaseLost):
        await bench.alice.settle([portion(lease, 2, imported("2"))], mark)
    assert await bench.sql("SELECT is_import FROM shop WHERE id = 2") == [(0,)]


async def test_flags_that_others_lock_become_due_and_the_rest_is_settled(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")

    await bench.alice.settle([portion(lease, 1, [*imported("1", "2"), *failed("3")])], locked)

    [(range_no, number)] = await bench.alice.flags_due(10)
    assert range_no == lease.range_no
    assert await bench.alice.accepted(range_no, None, 10) == [("1", "r"), ("2", "r")]
    assert await bench.alice.accepted(range_no, "1", 10) == [("2", "r")]
    await bench.alice.flags_written(range_no, number)
    assert await bench.alice.flags_due(10) == []


async def test_flags_are_due_where_they_live_in_another_database(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.alice, "5", "9")

    await bench.alice.settle([portion(first, 1, imported("1")), portion(second, 1, failed("6"))], None)

    assert [range_no for range_no, _ in await bench.alice.flags_due(10)] == [first.range_no]


async def test_flags_that_became_due_while_others_were_written_stay_due(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, imported("1"))], None)
    [(range_no, number)] = await bench.alice.flags_due(10)
    await bench.alice.settle([portion(lease, 2, imported("2"))], None)

    await bench.alice.flags_written(range_no, number)

    assert len(await bench.alice.flags_due(10)) == 1


async def test_written_flags_that_become_due_again_are_not_forgotten_by_an_old_answer(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, imported("1"))], None)
    [(range_no, old)] = await bench.alice.flags_due(10)
    await bench.bob.flags_written(range_no, old)
    await bench.alice.settle([portion(lease, 2, imported("2"))], None)

    await bench.alice.flags_written(range_no, old)

    assert len(await bench.alice.flags_due(10)) == 1


async def test_a_portion_without_rows_may_finish_a_range(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9", keys=1000)
    await bench.alice.settle([last_portion(lease, 1, [])], marked)

    counts = await bench.alice.counts()
    assert (counts.pending, await bench.alice.unfinished()) == (0, 0)


async def test_a_settled_event_names_its_worker(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    told = Event(EventKind.FURTHER_ATTEMPT, "answered 503", "1", lease.range_no)
    await bench.alice.settle([Portion(lease, 1, imported("1"), events=[told])], marked)

    [event] = [event for event in await bench.model.events(key="1") if event.kind is EventKind.FURTHER_ATTEMPT]
    assert (event.detail, event.key, event.range_no, event.owner) == ("answered 503", "1", lease.range_no, ALICE)


async def test_a_lease_that_ran_out_still_settles_while_nobody_has_taken_it(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)

    await bench.alice.settle([portion(lease, 1, imported("1"))], marked)

    assert await bench.states() == {"1": "imported"}

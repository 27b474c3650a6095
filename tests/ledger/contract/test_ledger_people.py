"""The people's desk: every act along legal edges, with its event, and the sums stay right."""

from __future__ import annotations

import pytest
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    JOB,
    Bench,
    everybody,
    failed,
    identity,
    imported,
    in_doubt,
    last_portion,
    marked,
    pending,
    portion,
    span,
    take,
)

from penstock.errors import JobError, LedgerRefused
from penstock.events import EventKind
from penstock.ledger.desk import people_desk
from penstock.ledger.ranges import WindowKey
from penstock.ledger.rows import Selection, Settlement
from penstock.ledger.states import RowState

FAILED = frozenset({RowState.FAILED})
FAILED_OR_SKIPPED = FAILED | {RowState.SKIPPED}
IN_DOUBT = frozenset({RowState.IN_DOUBT})


async def done(bench: Bench, settlements: list[Settlement]) -> None:
    """A range that is done, with these rows."""
    lease = await span(bench.alice, await bench.alice.cursor(), settlements[-1].key, keys=len(settlements))
    await bench.alice.settle([last_portion(lease, 1, settlements)], marked)


async def test_failed_rows_are_retried_in_a_new_range(bench: Bench) -> None:
    await done(bench, [*imported("1"), *failed("2", "3")])

    assert await bench.desk.retry(Selection(FAILED), renew_keys=False) == 2

    lease = await take(bench.bob)
    waiting = await bench.bob.waiting(lease.range_no, None, 10)
    assert [(row.key, row.state, row.attempts) for row in waiting] == [
        ("2", RowState.PENDING, 0),
        ("3", RowState.PENDING, 0),
    ]
    assert (await bench.bob.waiting(lease.range_no, "2", 10))[0].key == "3"
    counts = await bench.alice.counts()
    assert (counts.imported, counts.failed, counts.pending) == (1, 0, 2)
    [event] = [event for event in await bench.model.events(key="2") if event.kind is EventKind.RETRIED]
    assert (event.detail, event.range_no, event.owner) == (
        "2 rows, failed → pending; before: refused",
        lease.range_no,
        None,
    )
    await bench.assert_it_adds_up()


async def test_retried_rows_end_again_and_add_up(bench: Bench) -> None:
    await done(bench, [*failed("1", "2")])
    await bench.desk.retry(Selection(FAILED), renew_keys=False)
    lease = await take(bench.bob)

    await bench.bob.settle([last_portion(lease, lease.batch + 1, [*imported("1"), *failed("2")])], marked)

    assert await bench.states() == {"1": "imported", "2": "failed"}
    assert await bench.desk.retry(Selection(FAILED), renew_keys=False) == 1
    await bench.assert_it_adds_up()


async def test_rows_are_retried_while_their_range_is_worked_on(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9", keys=4)
    await bench.alice.settle([portion(lease, 1, failed("1", "2"), remaining=2)], marked)

    await bench.desk.retry(Selection(FAILED), renew_keys=False)
    await bench.alice.settle([last_portion(lease, 2, imported("3", "4"))], marked)

    counts = await bench.alice.counts()
    assert (counts.imported, counts.failed, counts.pending) == (2, 0, 2)
    await bench.assert_it_adds_up()


async def test_more_than_a_thousand_rows_are_retried_in_ranges_of_a_thousand(bench: Bench) -> None:
    await done(bench, failed(*[str(number) for number in range(1250)]))
    await done(bench, failed(*[str(number) for number in range(1250, 2300)]))

    assert await bench.desk.retry(Selection(FAILED), renew_keys=False) == 2300

    sizes = await bench.sql("SELECT row_count FROM penstock_ranges WHERE kind = 'keys' ORDER BY range_no")
    assert sizes == [(1000,), (1000,), (300,)]
    await bench.assert_it_adds_up()


@pytest.mark.parametrize(
    ("selection", "moved"),
    [
        (Selection(FAILED, keys=["2", "9"]), {"2"}),
        (Selection(FAILED, reason="50% off"), {"2"}),
        (Selection(FAILED, reason="off"), {"2", "3"}),
        (Selection(FAILED, status=409), {"3"}),
        (Selection(FAILED, reason="off", status=422), {"2"}),
        (Selection(frozenset({RowState.SKIPPED})), {"4"}),
        (Selection(FAILED_OR_SKIPPED), {"2", "3", "4"}),
        (Selection(frozenset()), set()),
    ],
)
async def test_a_person_says_which_rows(bench: Bench, selection: Selection, moved: set[str]) -> None:
    rows = [
        *imported("1"),
        *failed("2", reason="50% off: no"),
        *failed("3", reason="5000 off", status=409),
        Settlement("4", RowState.SKIPPED, reason="flag set before"),
    ]
    await done(bench, rows)

    assert await bench.desk.retry(selection, renew_keys=False) == len(moved)

    assert {key for key, state in (await bench.states()).items() if state == "pending"} == moved


async def test_rows_in_doubt_are_not_retried(bench: Bench) -> None:
    await done(bench, in_doubt("1"))

    with pytest.raises(JobError, match="resolve"):
        await bench.desk.retry(Selection(IN_DOUBT), renew_keys=False)

    assert await bench.states() == {"1": "in_doubt"}


async def test_new_idempotency_keys_are_refused_while_a_worker_lives(bench: Bench) -> None:
    await done(bench, failed("1"))

    with pytest.raises(LedgerRefused, match="stop it first"):
        await bench.desk.retry(Selection(FAILED), renew_keys=True)

    assert await bench.states() == {"1": "failed"}


async def test_a_retry_with_new_keys_raises_the_generation(bench: Bench) -> None:
    await done(bench, [Settlement("1", RowState.FAILED, 8, None, "attempts used up", first_sent=1.5)])
    await bench.alice.leave(ALICE, "done")
    await bench.bob.leave(BOB, "done")

    await bench.desk.retry(Selection(FAILED), renew_keys=True)

    assert (await bench.alice.join(identity(), ALICE, "here", 1)).generation == 2
    assert (await bench.alice.look_up(["1"]))["1"].first_sent is None
    assert "keys_renewed" in await bench.kinds()


async def test_a_retry_with_the_old_keys_remembers_when_the_row_first_went_out(bench: Bench) -> None:
    await done(bench, [Settlement("1", RowState.FAILED, 8, None, "attempts used up", first_sent=1.5)])

    await bench.desk.retry(Selection(FAILED), renew_keys=False)

    assert (await bench.alice.look_up(["1"]))["1"].first_sent == 1.5


@pytest.mark.parametrize("state", [RowState.IMPORTED, RowState.PENDING, RowState.FAILED])
async def test_a_persons_word_settles_rows_in_doubt(bench: Bench, state: RowState) -> None:
    await done(bench, [*imported("1"), *in_doubt("2", "3"), *failed("4")])

    assert await bench.desk.resolve(Selection(IN_DOUBT), state, receipt=None, note="looked it up") == 2

    assert await bench.states() == {"1": "imported", "2": state.value, "3": state.value, "4": "failed"}
    details = {event.detail for event in await bench.model.events(key="2") if event.kind is EventKind.RESOLVED}
    assert all("looked it up" in detail for detail in details)
    assert details
    await bench.assert_it_adds_up()


async def test_a_row_resolved_as_imported_keeps_its_receipt_and_is_flagged(bench: Bench) -> None:
    await done(bench, in_doubt("1"))

    await bench.desk.resolve(Selection(IN_DOUBT, keys=["1"]), RowState.IMPORTED, receipt="id-7", note="seen")

    assert (await bench.alice.look_up(["1"]))["1"].receipt == "id-7"
    [(range_no, _)] = await bench.alice.flags_due(10)
    assert await bench.alice.accepted(range_no, None, 10) == [("1", "id-7")]


async def test_a_row_resolved_as_not_arrived_may_be_sent_however_old_it_is(bench: Bench) -> None:
    await done(bench, [Settlement("1", RowState.IN_DOUBT, 2, None, "idempotent no longer", first_sent=1.5)])

    await bench.desk.resolve(Selection(IN_DOUBT), RowState.PENDING, receipt=None, note="not there")

    assert (await bench.alice.look_up(["1"]))["1"].first_sent is None


async def test_a_resolved_row_of_a_live_range_does_not_disturb_its_worker(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, in_doubt("1"))], marked)

    await bench.desk.resolve(Selection(IN_DOUBT), RowState.IMPORTED, receipt=None, note="seen")
    await bench.alice.settle([last_portion(lease, 2, imported("2"))], marked)

    await bench.assert_it_adds_up()


async def test_nothing_is_resolved_as_skipped(bench: Bench) -> None:
    with pytest.raises(JobError, match="skipped"):
        await bench.desk.resolve(Selection(IN_DOUBT), RowState.SKIPPED, receipt=None, note="")


async def test_a_reset_forgets_the_rows_and_keeps_range_numbers_and_generation(bench: Bench) -> None:
    await done(bench, [*imported("1"), *failed("2")])
    lease = await span(bench.alice, "2", "9")
    await bench.alice.open_window(lease, 1, [WindowKey("5")], 30.0)
    await bench.alice.settle([portion(lease, 1, [*in_doubt("3"), *pending("4")])], marked)
    await bench.run_out(lease)
    await bench.alice.leave(ALICE, "done")
    await bench.bob.leave(BOB, "done")

    assert await bench.desk.reset(renew_keys=False) == 4

    assert await bench.states() == {}
    assert (await bench.model.counts()).imported == 0
    record = await bench.alice.join(identity(source="another", key="no"), ALICE, "here", 1)
    assert (await bench.alice.cursor(), record.generation) == (None, 1)
    assert (await span(bench.alice, None, "3")).range_no > lease.range_no
    assert await bench.windows() == 0
    await bench.assert_it_adds_up()


async def test_a_reset_of_many_ranges_adds_up_and_forgets_all(bench: Bench) -> None:
    for number in range(25):
        await done(bench, imported(str(number)))

    assert await bench.desk.reset(renew_keys=True) == 25

    await bench.assert_it_adds_up()
    assert (await bench.alice.join(identity(), ALICE, "here", 1)).generation == 2


async def test_a_reset_is_refused_while_a_lease_lives(bench: Bench) -> None:
    await done(bench, imported("1"))
    await span(bench.alice, "1", "9")

    with pytest.raises(LedgerRefused, match="stop it first"):
        await bench.desk.reset(renew_keys=False)

    assert await bench.states() == {"1": "imported"}


async def test_a_reset_is_refused_once_a_run_has_come_and_gone_while_flags_were_cleared(bench: Bench) -> None:
    """It sets the flags that are due: they would be set for rows that nobody knows any more."""
    await done(bench, imported("1"))
    since = await bench.desk.expect_flags()
    await bench.alice.join(identity(), "carol", "here", 3)
    await bench.alice.leave("carol", "done")

    with pytest.raises(LedgerRefused, match="reset it again"):
        await bench.desk.reset(renew_keys=False, since=since)

    assert await bench.states() == {"1": "imported"}
    assert await bench.desk.reset(renew_keys=False, since=await bench.desk.expect_flags()) == 1


async def test_a_lease_of_a_dead_worker_does_not_keep_from_resetting(bench: Bench) -> None:
    await span(bench.alice, None, "9")

    assert await people_desk(bench.database, JOB, is_dead=everybody).reset(renew_keys=False) == 0


async def test_other_jobs_of_the_ledger_are_left_alone(bench: Bench) -> None:
    other = people_desk(bench.database, "customers")
    await done(bench, [*failed("1"), *in_doubt("2")])

    assert await other.retry(Selection(FAILED), renew_keys=False) == 0
    assert await other.resolve(Selection(IN_DOUBT), RowState.FAILED, receipt=None, note="") == 0
    assert await other.reset(renew_keys=False) == 0

    assert await bench.states() == {"1": "failed", "2": "in_doubt"}


async def test_what_a_person_does_leaves_an_event(bench: Bench) -> None:
    await bench.desk.pause()
    await bench.desk.set_limits(rate=200.0, concurrency=None)
    await bench.desk.resume()

    assert (await bench.kinds())[-3:] == ["paused", "limits_set", "resumed"]


async def test_why_rows_were_in_doubt_is_told_after_they_have_gone_out_again(bench: Bench) -> None:
    await done(bench, [*imported("1"), *in_doubt("2", "3")])
    before = (await bench.alice.look_up(["2"]))["2"].reason

    await bench.desk.resolve(Selection(IN_DOUBT), RowState.PENDING, receipt=None, note="looked it up")

    [event] = [event for event in await bench.model.events(key="2") if event.kind is EventKind.RESOLVED]
    assert event.detail == f"2 rows, in_doubt → pending: looked it up; before: {before}"

"""Late answers: proof is never thrown away, and never written over what somebody else has found."""

from __future__ import annotations

from tests.ledger.contract.bench import (
    ALICE,
    Bench,
    failed,
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
from penstock.ledger.ranges import Lease, WindowKey
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState

TOTAL = 30.0
EVERY_DOUBT = Selection(frozenset({RowState.IN_DOUBT}))


async def lost(bench: Bench, *keys: str) -> tuple[Lease, Lease]:
    """A range with these keys on alice's wire, taken over by bob: (her lease, his)."""
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, [WindowKey(key) for key in keys], TOTAL)
    await bench.run_out(lease)
    return lease, await take(bench.bob)


async def test_p8_a_late_acceptance_settles_a_row_in_doubt(bench: Bench) -> None:
    hers, _ = await lost(bench, "1", "2")

    await bench.alice.settle_late(hers, imported("1", receipt="id-1"), marked)

    assert await bench.states() == {"1": "imported", "2": "in_doubt"}
    assert (await bench.alice.look_up(["1"]))["1"].receipt == "id-1"
    [event] = [event for event in await bench.model.events() if event.kind is EventKind.LATE_ANSWER]
    assert (event.key, event.owner, event.detail) == ("1", ALICE, "was in_doubt, is imported")
    await bench.assert_it_adds_up()


async def test_a_late_refusal_fails_a_row_in_doubt(bench: Bench) -> None:
    hers, _ = await lost(bench, "1")

    await bench.alice.settle_late(hers, failed("1"), marked)

    assert await bench.states() == {"1": "failed"}
    await bench.assert_it_adds_up()


async def test_a_late_proof_that_nothing_was_applied_lets_the_row_wait_in_a_range_of_its_own(bench: Bench) -> None:
    hers, his = await lost(bench, "1", "2")

    await bench.alice.settle_late(hers, pending("1"), marked)

    await bench.bob.settle([last_portion(his, 1, [])], marked)
    waiting = await take(bench.bob)
    assert [row.key for row in await bench.bob.waiting(waiting.range_no, None, 10)] == ["1"]
    counts = await bench.alice.counts()
    assert (counts.pending, counts.in_doubt) == (1, 1)
    await bench.assert_it_adds_up()


async def test_a_late_doubt_says_why(bench: Bench) -> None:
    hers, _ = await lost(bench, "1")

    await bench.alice.settle_late(hers, in_doubt("1", reason="answered 500"), marked)

    assert (await bench.alice.look_up(["1"]))["1"].reason == "answered 500"
    await bench.assert_it_adds_up()


async def test_the_same_late_answers_again_change_nothing(bench: Bench) -> None:
    hers, _ = await lost(bench, "1", "2", "3")
    answers = [*imported("1"), *failed("2"), *pending("3")]
    await bench.alice.settle_late(hers, answers, marked)
    told = len(await bench.kinds())

    await bench.alice.settle_late(hers, answers, marked)

    assert len(await bench.kinds()) == told
    await bench.assert_it_adds_up()


async def test_a_late_acceptance_of_a_done_range_moves_the_totals(bench: Bench) -> None:
    hers, his = await lost(bench, "1")
    await bench.bob.settle([last_portion(his, 1, [])], marked)

    await bench.alice.settle_late(hers, imported("1"), marked)

    counts = await bench.alice.counts()
    assert (counts.imported, counts.in_doubt) == (1, 0)
    await bench.assert_it_adds_up()


async def test_late_acceptances_are_flagged_or_become_due(bench: Bench) -> None:
    hers, _ = await lost(bench, "1", "2")

    await bench.alice.settle_late(hers, imported("1"), marked)
    assert await bench.alice.flags_due(10) == []
    await bench.alice.settle_late(hers, imported("2"), locked)

    assert [number for number, _ in await bench.alice.flags_due(10)] == [hers.range_no]


async def test_a_late_acceptance_of_a_row_that_has_gone_out_again_raises_an_alarm(bench: Bench) -> None:
    hers, _ = await lost(bench, "1")
    await bench.desk.resolve(EVERY_DOUBT, RowState.PENDING, receipt=None, note="not there")
    again = await take(bench.bob)
    await bench.bob.settle([portion(again, 1, imported("1", receipt="second"))], marked)

    await bench.alice.settle_late(hers, imported("1", receipt="first"), marked)

    assert (await bench.alice.look_up(["1"]))["1"].receipt == "second"
    assert (await bench.kinds())[-1] == "sent_twice"
    await bench.assert_it_adds_up()


async def test_a_late_acceptance_of_a_row_that_is_just_going_out_again_raises_an_alarm(bench: Bench) -> None:
    hers, _ = await lost(bench, "1")
    await bench.desk.resolve(EVERY_DOUBT, RowState.PENDING, receipt=None, note="not there")
    again = await take(bench.bob)
    await bench.bob.open_window(again, 1, [WindowKey("1")], TOTAL)

    await bench.alice.settle_late(hers, imported("1"), marked)

    assert await bench.states() == {"1": "pending"}
    assert (await bench.kinds())[-1] == "sent_twice"


async def test_a_late_acceptance_keeps_a_row_from_going_out_again(bench: Bench) -> None:
    hers, _ = await lost(bench, "1")
    await bench.desk.resolve(EVERY_DOUBT, RowState.PENDING, receipt=None, note="not there")

    await bench.alice.settle_late(hers, imported("1"), marked)

    assert await bench.states() == {"1": "imported"}
    assert "sent_twice" not in await bench.kinds()
    await bench.assert_it_adds_up()


async def test_a_late_acceptance_of_a_row_that_a_person_gave_up_raises_an_alarm(bench: Bench) -> None:
    hers, _ = await lost(bench, "1")
    await bench.desk.resolve(EVERY_DOUBT, RowState.FAILED, receipt=None, note="lost")

    await bench.alice.settle_late(hers, imported("1"), marked)

    assert await bench.states() == {"1": "failed"}
    assert (await bench.kinds())[-1] == "sent_twice"


async def test_a_late_refusal_of_a_row_that_has_moved_on_is_dropped(bench: Bench) -> None:
    hers, _ = await lost(bench, "1")
    await bench.desk.resolve(EVERY_DOUBT, RowState.IMPORTED, receipt="seen there", note="seen")

    await bench.alice.settle_late(hers, failed("1"), marked)

    assert await bench.states() == {"1": "imported"}
    await bench.assert_it_adds_up()


async def test_a_late_acceptance_spares_an_idempotent_row_another_send(idempotent_bench: Bench) -> None:
    bench = idempotent_bench
    hers, his = await lost(bench, "1")
    await bench.bob.open_window(his, 1, [WindowKey("1", 1.5)], TOTAL)

    await bench.alice.settle_late(hers, [*imported("1"), *imported("2")], marked)
    await bench.bob.settle([last_portion(his, 1, imported("1", receipt="second"))], marked)

    assert await bench.states() == {"1": "imported", "2": "imported"}
    assert "sent_twice" not in await bench.kinds(), "sent again with the same key: harmless"
    await bench.assert_it_adds_up()


async def test_late_answers_of_a_job_that_was_reset_are_dropped(bench: Bench) -> None:
    hers, his = await lost(bench, "1")
    await bench.bob.settle([last_portion(his, 1, [])], marked)
    await bench.desk.reset(renew_keys=False)

    await bench.alice.settle_late(hers, imported("1"), marked)

    assert await bench.states() == {}


async def test_late_acceptances_of_a_repeatable_job_that_was_reset_are_dropped(idempotent_bench: Bench) -> None:
    """Else a row would be there that belongs to no range: the ledger would not add up, and the row not be sent again."""
    bench = idempotent_bench
    hers, his = await lost(bench, "1")
    await bench.bob.settle([last_portion(his, 1, failed("1"))], marked)
    await bench.desk.reset(renew_keys=False)

    await bench.alice.settle_late(hers, imported("1"), marked)

    assert await bench.states() == {}

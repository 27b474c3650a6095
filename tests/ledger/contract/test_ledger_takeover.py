"""Windows and take-over: what may have been on the wire is in doubt, exactly that, and a late window comes too late."""

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
    failed,
    identity,
    imported,
    in_doubt,
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

from penstock.errors import LeaseLost, LedgerUnreachable
from penstock.events import EventKind
from penstock.ledger.events import Event
from penstock.ledger.ranges import Lease, Portion, WindowKey
from penstock.ledger.rows import Settlement
from penstock.ledger.states import RowState

TOTAL = 30.0


def keys(*names: str, first_sent: float | None = None, fingerprint: int | None = None) -> list[WindowKey]:
    return [WindowKey(name, first_sent, fingerprint) for name in names]


async def test_p7_keys_of_a_gone_workers_windows_without_a_final_row_are_in_doubt_and_no_others(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1", "2", "3"), TOTAL)
    await bench.alice.open_window(lease, 2, keys("4"), TOTAL)
    await bench.alice.settle([portion(lease, 1, [*imported("1"), *failed("2"), *pending("3", "5")])], marked)
    await bench.run_out(lease)

    await take(bench.bob)

    assert await bench.states() == {
        "1": "imported", "2": "failed", "3": "in_doubt", "4": "in_doubt", "5": "pending",
    }  # fmt: skip
    assert await bench.windows() == 0
    rows = await bench.bob.look_up(["3", "4"])
    assert rows["3"].attempts == 2
    assert rows["4"].attempts == 1
    assert rows["4"].fence == lease.fence, "a late answer is known by it"
    assert "its worker was gone" in (rows["4"].reason or "")
    await bench.assert_it_adds_up()


async def test_a_dropped_window_leaves_nothing_in_doubt(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1"), TOTAL)
    await bench.alice.open_window(lease, 2, keys("2"), TOTAL)
    await bench.alice.settle([Portion(lease, 1, imported("1"), windows_done=[1, 2])], marked)
    await bench.run_out(lease)

    await take(bench.bob)

    assert await bench.states() == {"1": "imported"}


async def test_a_row_in_doubt_after_a_crash_keeps_the_fingerprint_of_what_was_sent_last(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1", "2", fingerprint=-(2**63)), TOTAL)
    await bench.alice.open_window(lease, 2, keys("2", fingerprint=77), TOTAL)
    await bench.run_out(lease)

    await take(bench.bob)

    rows = await bench.bob.look_up(["1", "2"])
    assert {key: row.fingerprint for key, row in rows.items()} == {"1": -(2**63), "2": 77}


async def test_rows_that_may_be_repeated_wait_with_the_time_they_first_went_out(idempotent_bench: Bench) -> None:
    bench = idempotent_bench
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1", first_sent=1763945000.5), TOTAL)
    await bench.run_out(lease)

    await take(bench.bob)

    row = (await bench.bob.look_up(["1"]))["1"]
    assert (row.state, row.range_no, row.first_sent) == (RowState.PENDING, lease.range_no, 1763945000.5)
    await bench.assert_it_adds_up()


async def test_of_a_row_that_stands_in_several_windows_the_time_of_the_first_counts(idempotent_bench: Bench) -> None:
    bench = idempotent_bench
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1", first_sent=1763945000.5), TOTAL)
    await bench.alice.open_window(lease, 2, keys("1", first_sent=1763945099.5), TOTAL)
    await bench.run_out(lease)

    await take(bench.bob)

    assert (await bench.bob.look_up(["1"]))["1"].first_sent == 1763945000.5


async def test_rows_that_went_out_once_and_may_be_repeated_for_a_while_now_have_the_time_of_their_window(
    bench: Bench,
) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1"), TOTAL)
    await bench.sql("UPDATE penstock_windows SET opened_at = '2001-09-09 01:46:40.000'")
    await bench.alice.leave(ALICE, "stopped")
    await bench.bob.leave(BOB, "stopped")
    await bench.run_out(lease)

    await bench.bob.join(identity(idempotent=True, for_a_while=True, file_hash="hash-2"), BOB, "here", 2)
    await take(bench.bob)

    row = (await bench.bob.look_up(["1"]))["1"]
    assert (row.state, row.first_sent) == (RowState.PENDING, 1_000_000_000.0)


async def test_answers_in_the_journal_decide_before_anything_is_in_doubt(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1", "2", "3", "4"), TOTAL)
    await bench.alice.settle([portion(lease, 1, imported("4", receipt="in the ledger"))], marked)
    recall = knows(*imported("1", receipt="id-1"), *pending("2"), *failed("4"))

    taken = await bench.bob.lease(BOB, SECONDS, recall, everybody)

    assert taken is not None
    assert await bench.states() == {"1": "imported", "2": "pending", "3": "in_doubt", "4": "imported"}
    assert (await bench.bob.look_up(["1"]))["1"].receipt == "id-1"
    assert [number for number, _ in await bench.bob.flags_due(10)] == [lease.range_no]
    await bench.assert_it_adds_up()


async def test_the_journal_is_asked_for_the_last_owners_lease(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    asked: list[tuple[str, int, int]] = []

    def recall(owner: str, range_no: int, fence: int) -> list[Settlement]:
        asked.append((owner, range_no, fence))
        return []

    await bench.bob.lease(BOB, SECONDS, recall, everybody)

    assert asked == [(ALICE, lease.range_no, lease.fence)]


async def test_a_range_given_back_with_a_window_still_open_is_cleared_up_by_the_next_owner(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1"), TOTAL)
    await bench.alice.settle([released(lease, 1)], marked)

    await take(bench.bob)

    assert await bench.states() == {"1": "in_doubt"}


async def test_a_take_over_tells_from_whom_and_how_much(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1", "2"), TOTAL)

    await bench.bob.lease(BOB, SECONDS, knows(*imported("1")), everybody)

    [event] = [event for event in await bench.model.events() if event.kind is EventKind.TAKE_OVER]
    assert event.detail == f"from alice under fence {lease.fence}: its process is gone; 1 rows known, 1 in doubt"
    assert (event.range_no, event.owner) == (lease.range_no, BOB)


async def test_p6_a_window_of_a_lost_lease_is_refused(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)
    await take(bench.bob)

    with pytest.raises(LeaseLost):
        await bench.alice.open_window(lease, 1, keys("1"), TOTAL)

    assert await bench.windows() == 0


async def test_a_window_that_could_outlive_its_lease_waits_for_the_next_heartbeat(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")

    await bench.alice.open_window(lease, 1, keys("1"), SECONDS - 5)
    with pytest.raises(LedgerUnreachable, match="next heartbeat"):
        await bench.alice.open_window(lease, 2, keys("2"), SECONDS + 5)
    await bench.alice.renew([lease], 2 * SECONDS, ALICE, PULSE)
    await bench.alice.open_window(lease, 2, keys("2"), SECONDS + 5)

    assert await bench.windows() == 2


async def test_the_same_window_again_is_one_window(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    told = [Event(EventKind.FURTHER_ATTEMPT, "answered 503", "1", lease.range_no)]

    for _ in range(2):
        await bench.alice.open_window(lease, 1, keys("1"), TOTAL, told)

    assert await bench.windows() == 1
    assert (await bench.kinds()).count("further_attempt") == 1


async def test_p6_a_take_over_sees_a_window_or_the_window_fails(bench: Bench) -> None:
    for start in range(8):
        lease = await span(bench.alice, str(start) if start else None, str(start + 1))

        async def send(lease: Lease = lease) -> bool:
            try:
                await bench.alice.open_window(lease, 1, keys(f"{lease.range_no}"), TOTAL)
            except LeaseLost:
                return False
            return True

        sent, taken = await asyncio.gather(send(), bench.bob.lease(BOB, SECONDS, nothing, everybody))
        if taken is None:  # what the window holds just then is passed over
            taken = await bench.bob.lease(BOB, SECONDS, nothing, everybody)

        assert taken is not None
        assert ((await bench.states()).get(f"{lease.range_no}") == "in_doubt") is sent
        await bench.bob.settle([last_portion(taken, 1, [])], marked)


async def test_windows_of_a_finished_range_are_gone(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1"), TOTAL)
    await bench.alice.settle([last_portion(lease, 1, imported("1"))], marked)

    assert await bench.windows() == 0


async def test_only_one_of_two_takes_a_range_over(bench: Bench) -> None:
    carol = "carol"
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1"), TOTAL)
    await bench.run_out(lease)

    leases = await asyncio.gather(
        bench.bob.lease(BOB, SECONDS, nothing, nobody), bench.alice.lease(carol, SECONDS, nothing, nobody)
    )

    assert sum(taken is not None for taken in leases) == 1
    assert (await bench.kinds()).count("take_over") == 1
    await bench.assert_it_adds_up()


async def test_a_lease_that_was_taken_over_is_told_as_long_as_its_range_has_rows_in_doubt(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.open_window(lease, 1, keys("1", "2"), TOTAL)
    assert await bench.alice.taken_over() == []
    await bench.run_out(lease)

    taken = await take(bench.bob)

    assert taken is not None
    [told] = await bench.bob.taken_over()
    assert (told.range_no, told.owner, told.fence, told.kind) == (lease.range_no, ALICE, lease.fence, lease.kind)
    await bench.bob.settle_late(told, [*imported("1"), *pending("2", attempts=0)], marked)
    assert await bench.states() == {"1": "imported", "2": "pending"}
    assert await bench.bob.taken_over() == []
    await bench.assert_it_adds_up()


async def test_a_lease_that_nobody_took_over_is_not_told_though_its_range_has_rows_in_doubt(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, in_doubt("1"))], marked)

    assert await bench.bob.taken_over() == []


async def test_a_take_over_that_does_not_say_from_which_lease_is_not_told(bench: Bench) -> None:
    """As older versions wrote them: nobody knows under which fence."""
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([portion(lease, 1, in_doubt("1"))], marked)
    older = Event(
        EventKind.TAKE_OVER, "from alice: its lease had run out; 0 rows known, 1 in doubt", None, lease.range_no
    )
    await bench.alice.note([older], BOB)

    assert await bench.bob.taken_over() == []

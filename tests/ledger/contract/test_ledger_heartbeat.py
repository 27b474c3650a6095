"""Heartbeats: leases live on, what is lost is told, wishes come back, shares are even."""

from __future__ import annotations

from dataclasses import replace

from pydantic import SecretStr
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    JOB,
    PULSE,
    SECONDS,
    Bench,
    identity,
    last_portion,
    marked,
    nobody,
    nothing,
    released,
    span,
    take,
)

from penstock.database.connect import open_database
from penstock.ledger.opening import open_ledger
from penstock.ledger.ranges import Lease
from penstock.ledger.workers import EVERYTHING, Stake


async def test_a_renewed_lease_cannot_be_taken(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)

    lost, _ = await bench.alice.renew([lease], SECONDS, ALICE, PULSE)

    assert lost == frozenset()
    assert await bench.bob.lease(BOB, SECONDS, nothing, nobody) is None


async def test_a_range_that_was_taken_over_is_told_as_lost_and_not_renewed(bench: Bench) -> None:
    kept, gone = await span(bench.alice, None, "5"), await span(bench.alice, "5", "9")
    await bench.run_out(gone)
    taken = await take(bench.bob)
    await bench.run_out(taken)

    lost, _ = await bench.alice.renew([kept, gone], SECONDS, ALICE, PULSE)

    assert lost == {gone.range_no}
    assert await bench.sql("SELECT owner FROM penstock_ranges WHERE lease_until < '2002-01-01'") == [(BOB,)]


async def test_a_range_taken_over_and_given_back_is_lost(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)
    await bench.bob.settle([released(await take(bench.bob), 1)], marked)

    assert (await bench.alice.renew([lease], SECONDS, ALICE, PULSE))[0] == {lease.range_no}


async def test_a_range_that_is_anothers_in_a_ledger_that_was_set_back_is_lost(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.sql("DELETE FROM penstock_ranges")
    await bench.sql("UPDATE penstock_jobs SET cursor_key = NULL, next_range = 1")
    again = await span(bench.bob, None, "9", BOB)
    assert (again.range_no, again.fence) == (lease.range_no, lease.fence)

    assert (await bench.alice.renew([lease], SECONDS, ALICE, PULSE))[0] == {lease.range_no}


async def test_a_range_just_finished_or_given_back_is_not_lost(bench: Bench) -> None:
    first, second = await span(bench.alice, None, "5"), await span(bench.alice, "5", "9")
    await bench.alice.settle([last_portion(first, 1, []), released(second, 1)], marked)

    assert (await bench.alice.renew([first, second], SECONDS, ALICE, PULSE))[0] == frozenset()


async def test_a_range_of_a_job_that_was_reset_is_lost(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.run_out(lease)
    await bench.desk.reset(renew_keys=False)

    assert (await bench.alice.renew([lease], SECONDS, ALICE, PULSE))[0] == {lease.range_no}


async def test_each_worker_learns_its_rank_among_the_living_and_what_the_others_have_on_the_wire(bench: Bench) -> None:
    _, hers = await bench.alice.renew([], SECONDS, ALICE, PULSE)
    _, his = await bench.bob.renew([], SECONDS, BOB, PULSE)

    assert (hers.workers, hers.rank, hers.in_flight_elsewhere) == (2, 0, 0)  # Bob has told nothing yet
    assert (his.workers, his.rank, his.in_flight_elsewhere) == (2, 1, PULSE.in_flight)


async def test_a_silent_worker_has_no_share(bench: Bench) -> None:
    await bench.sql(
        "UPDATE penstock_workers SET alive_until = '2001-01-01 00:00:00.000' WHERE owner = :name", name=ALICE
    )

    _, control = await bench.bob.renew([], SECONDS, BOB, PULSE)

    assert (control.workers, control.rank) == (1, 0)
    [alice, bob] = sorted(await bench.model.workers(), key=lambda worker: worker.owner)
    assert not alice.alive
    assert bob.alive


async def test_a_dead_workers_share_is_free_at_once(bench: Bench) -> None:
    database = open_database(SecretStr(bench.url))
    ledger = await open_ledger(database, JOB, is_dead=lambda owner: owner == ALICE)

    _, control = await ledger.renew([], SECONDS, BOB, PULSE)

    assert (control.workers, control.rank) == (1, 0)
    await ledger.aclose()


async def test_a_newcomer_does_not_take_the_rank_of_one_who_is_at_work(bench: Bench) -> None:
    await bench.alice.join(identity(), "aaron", "here", 3)

    _, control = await bench.alice.renew([], SECONDS, "aaron", PULSE)

    assert (control.workers, control.rank) == (3, 2)


async def test_a_persons_wishes_come_back_with_the_heartbeat(bench: Bench) -> None:
    await bench.desk.pause()
    await bench.desk.set_limits(rate=200.0, concurrency=32)

    _, control = await bench.alice.renew([], SECONDS, ALICE, PULSE)
    assert (control.paused, control.rate, control.concurrency) == (True, 200.0, 32)

    await bench.desk.resume()
    await bench.desk.set_limits(rate=None, concurrency=16)
    _, control = await bench.alice.renew([], SECONDS, ALICE, PULSE)
    assert (control.paused, control.rate, control.concurrency) == (False, None, 16)


async def test_the_pulse_is_there_to_be_seen(bench: Bench) -> None:
    before = {worker.owner: worker for worker in await bench.model.workers()}[ALICE]
    await bench.alice.renew([], SECONDS, ALICE, PULSE)

    after = {worker.owner: worker for worker in await bench.model.workers()}[ALICE]

    assert after.pulse == PULSE
    assert (after.host, after.pid, after.alive) == ("here", 1, True)
    assert after.started_at == before.started_at
    assert after.seen_at > before.seen_at


async def test_a_sweep_is_renewed_like_any_range(bench: Bench) -> None:
    lease = await bench.alice.start_sweep(ALICE, SECONDS)
    assert isinstance(lease, Lease)

    assert (await bench.alice.renew([lease], SECONDS, ALICE, PULSE))[0] == frozenset()


async def test_a_worker_that_was_frozen_hears_that_the_job_goes_on_in_another_way(bench: Bench) -> None:
    _, control = await bench.alice.renew([], SECONDS, ALICE, PULSE)
    assert (control.file_hash, control.generation, control.is_known) == ("hash-1", 1, True)

    await bench.sql("UPDATE penstock_workers SET alive_until = '2001-01-01 00:00:00.000'")
    await bench.bob.join(identity(file_hash="hash-2"), "carol", "here", 3)
    _, control = await bench.alice.renew([], SECONDS, ALICE, PULSE)
    assert (control.file_hash, control.is_known) == ("hash-2", True)

    await bench.desk.reset(renew_keys=True)
    _, control = await bench.alice.renew([], SECONDS, ALICE, PULSE)
    assert (control.generation, control.is_known) == (2, False)


async def test_stakes_are_everything_until_they_are_told(bench: Bench) -> None:
    _, hers = await bench.alice.renew([], SECONDS, ALICE, replace(PULSE, stake=Stake(4, 12.5)))
    _, his = await bench.bob.renew([], SECONDS, BOB, PULSE)

    assert (hers.stakes, his.stakes) == ((EVERYTHING,), (Stake(4, 12.5),))


async def test_a_worker_silent_for_seconds_has_no_stake_in_the_rate_but_may_have_requests_on_the_wire(
    bench: Bench,
) -> None:
    await bench.alice.renew([], SECONDS, ALICE, replace(PULSE, stake=Stake(4, 12.5)))
    await bench.sql("UPDATE penstock_workers SET seen_at = '2001-01-01 00:00:00.000' WHERE owner = :name", name=ALICE)

    _, control = await bench.bob.renew([], SECONDS, BOB, PULSE)

    assert (control.workers, control.stakes) == (2, (Stake(4, 0.0),))


async def test_what_the_api_told_one_worker_all_hear_until_it_is_over(bench: Bench) -> None:
    _, control = await bench.alice.renew([], SECONDS, ALICE, replace(PULSE, quiet=30.0))
    assert 29.0 < control.quiet <= 30.0
    await bench.bob.renew([], SECONDS, BOB, replace(PULSE, quiet=5.0))
    _, control = await bench.bob.renew([], SECONDS, BOB, PULSE)
    assert 0.0 < control.quiet <= 30.0, "the longest"

    await bench.alice.renew([], SECONDS, ALICE, PULSE)
    _, control = await bench.bob.renew([], SECONDS, BOB, PULSE)
    assert control.quiet == 0.0


async def test_what_the_api_told_a_worker_that_died_holds(bench: Bench) -> None:
    await bench.alice.renew([], SECONDS, ALICE, replace(PULSE, quiet=600.0))
    database = open_database(SecretStr(bench.url))
    ledger = await open_ledger(database, JOB, is_dead=lambda owner: owner == ALICE)

    _, control = await ledger.renew([], SECONDS, BOB, PULSE)

    assert control.workers == 1
    assert control.quiet > 0.0
    await ledger.aclose()


async def test_status_sees_what_a_worker_holds_and_how_long_it_has_been_silent(bench: Bench) -> None:
    await span(bench.alice, None, "5")
    await bench.alice.settle([released(await span(bench.alice, "5", "9"), 1)], marked)
    await bench.alice.renew([], SECONDS, ALICE, PULSE)

    workers = {worker.owner: worker for worker in await bench.model.workers()}

    assert (workers[ALICE].ranges, workers[BOB].ranges) == (1, 0)
    assert 0.0 <= workers[ALICE].silent_for < 60.0
    await bench.sql("UPDATE penstock_workers SET seen_at = '2001-01-01 00:00:00.000'")
    assert all(worker.silent_for > 24 * 3600 for worker in await bench.model.workers())

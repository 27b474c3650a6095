"""Joining: a job stays the same job, and nobody mixes two versions of its file in one run."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from tests.ledger.contract.bench import (
    ALICE,
    BOB,
    JOB,
    SECONDS,
    Bench,
    everybody,
    identity,
    imported,
    last_portion,
    marked,
    span,
)

from penstock.database.connect import open_database
from penstock.errors import LedgerRefused
from penstock.events import EventKind
from penstock.ledger.agreeing import agree
from penstock.ledger.opening import open_ledger
from penstock.ledger.workers import Identity


async def test_a_worker_that_joins_learns_where_the_job_stands(bench: Bench) -> None:
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, imported("1"))], marked)

    record = await bench.bob.join(identity(), "carol", "there", 3)

    assert (await bench.bob.cursor(), record.generation) == ("9", 1)
    [event] = [event for event in await bench.model.events() if event.owner == "carol"]
    assert (event.kind, event.detail) == (EventKind.RUN_STARTED, "there, pid 3, job file hash-1")


async def test_joining_again_after_a_lost_commit_is_joining_once(bench: Bench) -> None:
    await bench.alice.join(identity(), ALICE, "here", 1)

    assert (await bench.kinds()).count("run_started") == 2, "alice and bob"
    assert len(await bench.model.workers()) == 2


async def test_p17_p19_another_source_is_refused(bench: Bench) -> None:
    with pytest.raises(LedgerRefused, match="another source"):
        await bench.alice.join(identity(source="elsewhere"), "carol", "here", 3)


async def test_p17_p19_another_key_is_refused(bench: Bench) -> None:
    with pytest.raises(LedgerRefused, match=r"by the key id, the file says order_no"):
        await bench.alice.join(identity(key="order_no"), "carol", "here", 3)


async def test_p17_another_version_of_the_file_is_refused_while_workers_of_the_first_live(bench: Bench) -> None:
    with pytest.raises(LedgerRefused, match="another version of its file"):
        await bench.alice.join(identity(file_hash="hash-2"), "carol", "here", 3)

    assert "job_file_changed" not in await bench.kinds()


async def test_p17_a_changed_file_is_recorded_once_the_others_have_left(bench: Bench) -> None:
    await bench.alice.leave(ALICE, "done")
    await bench.bob.leave(BOB, "done")

    await bench.alice.join(identity(file_hash="hash-2"), "carol", "here", 3)
    await bench.alice.join(identity(file_hash="hash-2"), "dave", "here", 4)

    changes = [event for event in await bench.model.events() if event.kind is EventKind.JOB_FILE_CHANGED]
    assert [event.detail for event in changes] == ["from hash-1 to hash-2"]


async def test_dead_workers_do_not_keep_a_changed_file_out(bench: Bench) -> None:
    database = open_database(SecretStr(bench.url))
    ledger = await open_ledger(database, JOB, is_dead=everybody)

    await ledger.join(identity(file_hash="hash-2"), "carol", "here", 3)

    assert "job_file_changed" in await bench.kinds()
    await ledger.aclose()


async def test_silent_workers_do_not_keep_a_changed_file_out(bench: Bench) -> None:
    await bench.sql("UPDATE penstock_workers SET alive_until = '2001-01-01 00:00:00.000'")

    await bench.alice.join(identity(file_hash="hash-2"), "carol", "here", 3)

    assert "job_file_changed" in await bench.kinds()


async def test_another_minor_version_is_refused_while_workers_of_the_first_live(bench: Bench) -> None:
    await bench.alice.join(identity(), ALICE, "here", 1)
    await bench.sql("UPDATE penstock_workers SET version = '7.1.4'")

    with pytest.raises(
        LedgerRefused, match=r"by penstock 7\.1\.4 \(pid 1 on here\), and this is penstock 7\.2\.0: .* Install"
    ):
        await bench.alice.join(identity(), "carol", "there", 3, version="7.2.0")

    assert len(await bench.model.workers()) == 2
    await bench.alice.leave(ALICE, "done")
    await bench.bob.leave(BOB, "done")
    await bench.alice.join(identity(), "carol", "there", 3, version="7.2.0")
    assert "versions_differ" not in await bench.kinds()


async def test_silent_and_dead_workers_of_another_version_keep_nobody_out(bench: Bench) -> None:
    await bench.sql("UPDATE penstock_workers SET version = '7.1.4'")
    database = open_database(SecretStr(bench.url))
    ledger = await open_ledger(database, JOB, is_dead=everybody)
    await ledger.join(identity(), "carol", "there", 3, version="7.2.0")
    await ledger.leave("carol", "done")
    await ledger.aclose()

    await bench.sql("UPDATE penstock_workers SET alive_until = '2001-01-01 00:00:00.000'")
    await bench.alice.join(identity(), "dave", "there", 4, version="7.2.0")


async def test_another_patch_agrees_and_says_so_once(bench: Bench) -> None:
    await bench.sql("UPDATE penstock_workers SET version = '7.1.4'")

    for _ in range(2):  # the second time as after a lost COMMIT
        await bench.alice.join(identity(), "carol", "there", 3, version="7.1.5")

    [event] = [event for event in await bench.model.events() if event.kind is EventKind.VERSIONS_DIFFER]
    assert (event.detail, event.owner) == ("penstock 7.1.5 beside 7.1.4 (pid 1 on here)", "carol")
    assert {worker.version for worker in await bench.model.workers()} == {"7.1.4", "7.1.5"}


@pytest.mark.parametrize(
    ("one", "other", "agreed"),
    [
        ("0.1.0", "0.1.0", True),
        ("0.1.0", "0.1.7", True),
        ("0.1.0", "0.1.0rc1", True),
        ("0.1.9", "0.2.0", False),
        ("0.1.0", "1.1.0", False),
        ("0.1", "0.10", False),
        ("0.1.0", "", True),
    ],
)
def test_versions_that_differ_in_the_last_number_alone_agree(one: str, other: str, agreed: bool) -> None:
    assert agree(one, other) is agree(other, one) is agreed


async def test_a_worker_that_leaves_is_forgotten_and_says_why(bench: Bench) -> None:
    for _ in range(2):  # the second time as after a lost COMMIT
        await bench.alice.leave(ALICE, "nothing is pending")

    assert [worker.owner for worker in await bench.model.workers()] == [BOB]
    ended = [event for event in await bench.model.events() if event.kind is EventKind.RUN_ENDED]
    assert [(event.detail, event.owner) for event in ended] == [("nothing is pending", ALICE)]


async def test_a_worker_not_seen_for_a_day_is_forgotten_at_the_next_joining(bench: Bench) -> None:
    await bench.sql("UPDATE penstock_workers SET seen_at = '2001-01-01 00:00:00.000' WHERE owner = :name", name=ALICE)

    await bench.bob.join(identity(), "carol", "here", 3)

    assert sorted(worker.owner for worker in await bench.model.workers()) == [BOB, "carol"]


async def test_two_jobs_share_a_ledger_without_meeting(bench: Bench) -> None:
    database = open_database(SecretStr(bench.url))
    other = await open_ledger(database, "customers")
    await other.join(identity(source="elsewhere", key="no"), "carol", "here", 3)
    lease = await span(other, None, "5", "carol")
    await other.settle([last_portion(lease, 1, imported("1"))], marked)

    assert await bench.alice.cursor() is None
    assert (await bench.alice.counts()).imported == 0
    assert await bench.alice.look_up(["1"]) == {}
    assert (await other.counts()).imported == 1
    await other.aclose()


ONCE = identity(idempotent=False)
FOR_EVER = identity(idempotent=True, file_hash="hash-2")
FOR_A_WHILE = identity(idempotent=True, for_a_while=True, file_hash="hash-3")


@pytest.mark.parametrize(
    ("before", "after"),
    [(FOR_EVER, ONCE), (FOR_A_WHILE, ONCE), (FOR_EVER, FOR_A_WHILE)],
    ids=["never", "no more", "less"],
)
async def test_a_repeat_becomes_no_less_harmless_while_rows_may_be_on_the_wire(
    bench: Bench, before: Identity, after: Identity
) -> None:
    await bench.alice.leave(ALICE, "done")
    await bench.bob.leave(BOB, "done")
    await bench.alice.join(before, "carol", "here", 3)
    lease = await bench.alice.plan(None, "9", 1, "carol", SECONDS)
    assert lease is not None
    await bench.alice.leave("carol", "stopped")

    with pytest.raises(LedgerRefused, match="another idempotent"):
        await bench.alice.join(after, "dave", "here", 4)

    await bench.alice.settle([last_portion(lease, 1, imported("1"))], marked)
    await bench.alice.join(after, "dave", "here", 4)


@pytest.mark.parametrize("before", [ONCE, FOR_A_WHILE])
async def test_a_repeat_may_become_more_harmless_at_any_time(bench: Bench, before: Identity) -> None:
    await bench.alice.leave(ALICE, "done")
    await bench.bob.leave(BOB, "done")
    await bench.alice.join(before, "carol", "here", 3)
    await span(bench.alice, None, "9", "carol")
    await bench.alice.leave("carol", "stopped")

    await bench.alice.join(FOR_EVER, "dave", "here", 4)

"""kill -9 at random moments, two workers: nothing is lost, nothing applied twice, and what is in doubt is told."""

from __future__ import annotations

import signal
import subprocess
from random import Random
from typing import TYPE_CHECKING

import pytest
from tests.journey.conftest import KILLS

if TYPE_CHECKING:
    from tests.journey.conftest import Journey

MAX_IN_DOUBT = 150


def run_two_workers_and_kill_both(journey: Journey, random: Random) -> int:
    """Kill one of two workers at a random moment, the other one a little later. Returns how many of them were still at work."""
    workers = [journey.start("run"), journey.start("run")]
    try:
        for worker in random.sample(workers, 2):
            try:
                worker.wait(timeout=random.uniform(0.5, 3.0))
            except subprocess.TimeoutExpired:
                worker.kill()
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    return sum(worker.returncode == -signal.SIGKILL for worker in workers)


def kill_many(journey: Journey, random: Random) -> int:
    kills = sum(run_two_workers_and_kill_both(journey, random) for _ in range(KILLS // 2))
    assert kills >= KILLS // 2, "most workers had nothing left to do: the kills show nothing"
    return kills


@pytest.mark.parametrize("ledger", [None, "sqlite:///ledger.db"], ids=["beside", "elsewhere"])
def test_an_api_that_honours_the_key_gets_every_order_once(honest_and_slow: Journey, ledger: str | None) -> None:
    honest_and_slow.write_job(idempotent=True, ledger=ledger)
    honest_and_slow.call("prepare")
    kills = kill_many(honest_and_slow, Random(1))
    summary = honest_and_slow.summary()
    proof = honest_and_slow.prove()
    print(f"{kills} kills; {summary}")  # noqa: T201  shown with -s, and when it fails
    assert proof.holds, proof
    assert summary["imported"] == proof.expected
    assert summary["pending"] == summary["in_doubt"] == summary["failed"] == 0


@pytest.mark.parametrize("ledger", [None, "sqlite:///ledger.db"], ids=["beside", "elsewhere"])
def test_an_api_that_knows_no_key_gets_no_order_twice(forgetful_and_slow: Journey, ledger: str | None) -> None:
    forgetful_and_slow.write_job(idempotent=False, ledger=ledger, max_in_doubt=MAX_IN_DOUBT)
    forgetful_and_slow.call("prepare")
    kills = kill_many(forgetful_and_slow, Random(2))
    summary = forgetful_and_slow.finish()
    proof = forgetful_and_slow.prove()
    doubted = forgetful_and_slow.rows("in_doubt")
    print(f"{kills} kills; {summary}")  # noqa: T201  shown with -s, and when it fails
    assert (proof.doubled, proof.differing, proof.unknown) == ((), (), ())
    assert summary["imported"] + len(doubted) == proof.expected
    assert summary["pending"] == summary["failed"] == 0
    assert len(doubted) <= MAX_IN_DOUBT * KILLS
    assert all(row["reason"] and row["updated_at"] for row in doubted)
    imported = {int(str(row["key"])) for row in forgetful_and_slow.rows("imported")}
    assert {key for key, flag in forgetful_and_slow.flags().items() if flag} == imported
    assert set(proof.missing) <= {f"A-{int(str(row['key'])):07d}" for row in doubted}

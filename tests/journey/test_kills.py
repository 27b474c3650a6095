"""kill -9 at random moments, two workers: nothing is lost, nothing applied twice, and what is in doubt is told."""

from __future__ import annotations

import subprocess
from random import Random
from typing import TYPE_CHECKING

import pytest
from tests.journey.conftest import KILLS

if TYPE_CHECKING:
    from tests.journey.conftest import Journey

MAX_IN_DOUBT = 150


def run_two_workers_and_kill_one(journey: Journey, random: Random) -> bool:
    """Kill one of two workers at a random moment, the other one a little later. Returns whether both were still at work."""
    workers = [journey.start("run"), journey.start("run")]
    try:
        for worker in random.sample(workers, 2):
            try:
                worker.wait(timeout=random.uniform(0.8, 2.5))
            except subprocess.TimeoutExpired:
                worker.kill()
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    return all(worker.returncode == -9 for worker in workers)


@pytest.mark.parametrize("ledger", [None, "sqlite:///ledger.db"], ids=["beside", "elsewhere"])
def test_an_api_that_honours_the_key_gets_every_order_once(honest: Journey, ledger: str | None) -> None:
    honest.write_job(idempotent=True, ledger=ledger)
    honest.call("prepare")
    random = Random(1)
    kills = sum(2 * run_two_workers_and_kill_one(honest, random) for _ in range(KILLS // 2))
    summary = honest.summary()
    proof = honest.prove()
    print(f"{kills} kills; {summary}")  # noqa: T201  shown with -s, and when it fails
    assert proof.holds, proof
    assert summary["imported"] == proof.expected
    assert summary["pending"] == summary["in_doubt"] == summary["failed"] == 0


@pytest.mark.parametrize("ledger", [None, "sqlite:///ledger.db"], ids=["beside", "elsewhere"])
def test_an_api_that_knows_no_key_gets_no_order_twice(forgetful: Journey, ledger: str | None) -> None:
    forgetful.write_job(idempotent=False, ledger=ledger, max_in_doubt=MAX_IN_DOUBT)
    forgetful.call("prepare")
    random = Random(2)
    kills = sum(2 * run_two_workers_and_kill_one(forgetful, random) for _ in range(KILLS // 2))
    summary = forgetful.finish()
    proof = forgetful.prove()
    doubted = forgetful.rows("in_doubt")
    print(f"{kills} kills; {summary}")  # noqa: T201  shown with -s, and when it fails
    assert (proof.doubled, proof.differing, proof.unknown) == ((), (), ())
    assert summary["imported"] + len(doubted) == proof.expected
    assert summary["pending"] == summary["failed"] == 0
    assert len(doubted) <= MAX_IN_DOUBT * KILLS
    assert all(row["reason"] and row["updated_at"] for row in doubted)
    imported = {int(str(row["key"])) for row in forgetful.rows("imported")}
    assert {key for key, flag in forgetful.flags().items() if flag} == imported
    assert set(proof.missing) <= {f"A-{int(str(row['key'])):07d}" for row in doubted}

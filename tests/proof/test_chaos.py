"""A short chaos run: `make chaos` has the long ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.proof.chaos import chaos
from tests.proof.outcome import Plan

SEED = 1


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "not idempotent"])
def test_whatever_fails_at_once_around_two_workers_nothing_is_lost_nor_doubled_nor_unexplained(
    tmp_path: Path, idempotent: bool
) -> None:
    plan = Plan(idempotent=idempotent, seed=SEED, rows=1500, workers=2, seconds=20, pause=1.0)
    outcome = chaos(plan, tmp_path / "chaos")
    table = outcome.table()
    assert outcome.findings == [], table
    assert outcome.second_applies == 0, table
    # Enough has happened, and while rows were on their way.
    assert outcome.faults >= 10, table
    assert outcome.stops >= 2, table
    assert outcome.sends_under_faults >= 100, table

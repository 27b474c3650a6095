"""A run is killed before each of its system calls, or the call fails; the next run goes on. Nothing is lost, nothing doubled.

Which calls: a sample by seed, see conftest.py. Of each half in calm weather, where the API accepts everything, half in a storm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pytest
from tests.proof.conftest import CASE, POINTS, SEED
from tests.proof.lane import Lane
from tests.proof.points import Call, Point, errors, kills
from tests.proof.sweep import Case, Tally, cases, sweep

PointsOf: TypeAlias = Callable[[Sequence[Call]], list[Point]]

LANES = 6  # databases, idempotent and not
# Two of three points are kills: an error that the kernel returns is one of many that penstock hears of every day.
SHARES = {"kills": (kills, POINTS * 2 // 3 // LANES), "errors": (errors, POINTS // 3 // LANES)}


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "not idempotent"])
def test_a_run_that_is_hit_at_any_system_call_loses_nothing_and_doubles_nothing(
    lane: Callable[[bool], Lane], idempotent: bool, tallies: dict[str, Tally], request: pytest.FixtureRequest
) -> None:
    ready = lane(idempotent)
    repeat = f"PENSTOCK_PROOF_CASE=CASE .venv/bin/python -m pytest '{request.node.nodeid}'"
    failures: list[str] = []
    for name, (points_of, most) in SHARES.items():
        chosen = [Case.parse(CASE)] if CASE else cases(ready, SEED, max(most, 1), points_of)
        tally = sweep(ready, chosen, repeat)
        tallies[f"{request.node.callspec.id} {name}"] = tally
        failures += tally.failures
        if CASE:
            break
    assert not failures, f"{len(failures)} points failed; the first of them:\n\n" + "\n\n".join(failures[:5])

"""Runs are killed before each of their system calls, asked to stop there, or the call fails; the next run goes on. Nothing is
lost, nothing doubled.

Which calls: a sample by seed, see conftest.py. Half of each kind in calm weather, where the API accepts everything, half in a
storm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pytest
from tests.proof.conftest import CASE, POINTS, SEED
from tests.proof.lane import Lane
from tests.proof.points import Call, errors, kills, stops
from tests.proof.sweep import Case, PointsOf, Tally, cases, sweep, trace

LANES = 6  # databases, idempotent and not


class Way(NamedTuple):
    """share: of all points. in_a_row: so many runs are hit one after the other."""

    points_of: PointsOf
    share: float
    in_a_row: int = 1


WAYS = {
    "killed": Way(kills, 0.5),
    "killed three times": Way(kills, 0.2, in_a_row=3),
    "asked to stop": Way(stops, 0.1),
    "failing calls": Way(errors, 0.2),
}


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "not idempotent"])
def test_p4_a_run_that_is_hit_at_any_system_call_loses_nothing_and_doubles_nothing(
    lane: Callable[[bool], Lane], idempotent: bool, tallies: dict[str, Tally], request: pytest.FixtureRequest
) -> None:
    ready = lane(idempotent)
    repeat = f"PENSTOCK_PROOF_CASE={{case}} .venv/bin/python -m pytest '{request.node.nodeid}'"
    if CASE:
        tried = {"repeated": sweep(ready, [Case.parse(CASE)], repeat)}
    else:
        traces = trace(ready, SEED)
        tried = {name: sweep(ready, _chosen(traces, way), repeat) for name, way in WAYS.items()}
    tallies.update({f"{request.node.callspec.id}, {name}": tally for name, tally in tried.items()})
    failures = [failure for tally in tried.values() for failure in tally.failures]
    assert not failures, f"{len(failures)} cases failed; the first of them:\n\n" + "\n\n".join(failures[:5])


def _chosen(traces: Mapping[str, Sequence[Call]], way: Way) -> list[Case]:
    most = max(1, round(POINTS * way.share / way.in_a_row / LANES))
    return cases(traces, SEED, most, way.points_of, in_a_row=way.in_a_row)

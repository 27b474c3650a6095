"""What the proofs share: one nursery, lanes on every database, and the line at the end that says how much was tried.

PENSTOCK_PROOF_POINTS: how many points of all kinds, on all databases together (`make proof`: thousands).
PENSTOCK_PROOF_SEED: which ones. PENSTOCK_PROOF_CASE: this one alone, as a failure printed it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.proof.lane import Lane
from tests.proof.processes import Nursery
from tests.proof.sweep import Tally

POINTS = int(os.environ.get("PENSTOCK_PROOF_POINTS", "36"))
SEED = int(os.environ.get("PENSTOCK_PROOF_SEED", "1"))
CASE = os.environ.get("PENSTOCK_PROOF_CASE")

_TALLIES = pytest.StashKey[dict[str, Tally]]()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def lane(nursery: Nursery, database_url: str, tmp_path: Path) -> Iterator[Callable[[bool], Lane]]:
    """Makes a job on a new database of each kind: idempotent or not."""
    with ExitStack() as opened:
        yield lambda idempotent: opened.enter_context(
            Lane(nursery, database_url, tmp_path, idempotent=idempotent, seed=SEED)
        )


@pytest.fixture
def tallies(request: pytest.FixtureRequest) -> dict[str, Tally]:
    """By what was tried. Whatever is put in is told when all tests have ended."""
    return request.config.stash.setdefault(_TALLIES, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tallies = config.stash.get(_TALLIES, {})
    if not tallies:
        return
    terminalreporter.section("points at which runs were hit", sep="-")
    for name, tally in sorted(tallies.items()):
        terminalreporter.write_line(f"{name:45} {tally}")
    total = sum(tallies.values(), Tally())
    terminalreporter.write_line(f"{'all, seed ' + str(SEED):45} {total}")

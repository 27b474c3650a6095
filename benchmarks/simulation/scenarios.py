"""What is asked of the simulation: a machine of its own for each worker, one ledger, ever more workers; and what then helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from benchmarks.simulation.costs import Costs
from benchmarks.simulation.model import Outcome, simulate
from benchmarks.simulation.setup import Setup

WORKERS = (1, 2, 4, 8, 16, 32, 64, 125, 250, 500)
HELP = (64, 125, 500)


def base(costs: Costs, *, database: str, kind: str, workers: int) -> Setup:
    """Each worker with a core of its own and 16 requests on the wire, an API that answers after 100 ms, half a millisecond to the
    ledger and back, and a server of four cores for ledger and source."""
    return Setup(
        workers=workers,
        calls=costs.calls[database],
        worker_row=costs.rows[kind].worker,
        commit=costs.commit,
        round_trip=0.0005,
        windows=kind == "once",
    )


def growing(costs: Costs, *, database: str, kind: str) -> Iterator[tuple[int, Outcome]]:
    for workers in WORKERS:
        yield workers, played(base(costs, database=database, kind=kind, workers=workers))


def _alone(setup: Setup) -> Setup:
    return replace(setup, most_ahead=1)


def _in_turn(setup: Setup) -> Setup:
    return replace(setup, plans_in_turn=True)


# By what the page calls it.
PLANNING: Mapping[str, Callable[[Setup], Setup]] = {
    "as it is": lambda setup: setup,
    "each planning for itself alone": _alone,
    "planning in turn": _in_turn,
}


def knee(costs: Costs, *, database: str, kind: str, change: Callable[[Setup], Setup]) -> int | None:
    """The first number of workers at which the API, that is their number, is not the limit any more; None: not up to the most."""

    def is_fine(workers: int) -> bool:
        return played(change(base(costs, database=database, kind=kind, workers=workers))).limit == "API"

    fine, over = 1, WORKERS[-1] + 1
    while over - fine > max(1, fine // 20):
        middle = (fine + over) // 2
        fine, over = (middle, over) if is_fine(middle) else (fine, middle)
    return None if over > WORKERS[-1] else over


def played(setup: Setup) -> Outcome:
    return simulate(setup, warm_up=4.0, seconds=8.0)


# By what the table calls it; each alone.
REMEDIES: Mapping[str, Callable[[Setup], Setup]] = {
    **PLANNING,
    "ranges of 250 rows": lambda setup: replace(setup, range_rows=250),
    "ranges of 4,000 rows": lambda setup: replace(setup, range_rows=4000),
    "a heartbeat every 5 s": lambda setup: replace(setup, beat=5.0),
    "heartbeats that do not read all workers": lambda setup: replace(setup, beats_grow=False),
    "totals every 5 s": lambda setup: replace(setup, show=5.0),
    "totals without everybody's windows": lambda setup: replace(setup, shows_claimed=False),
    "settling after 0.5 s, not 0.1 s": lambda setup: replace(setup, linger=0.5),
    "settling after 0.02 s": lambda setup: replace(setup, linger=0.02),
    "the ledger in a database of its own": lambda setup: replace(setup, apart=True),
    "8 cores for the ledger": lambda setup: replace(setup, ledger_cores=8),
    "all but the cores together": lambda setup: replace(
        setup,
        range_rows=4000,
        beat=5.0,
        beats_grow=False,
        show=5.0,
        shows_claimed=False,
        linger=0.5,
        apart=True,
    ),
}


def helped(costs: Costs, *, database: str, kind: str) -> Iterator[tuple[str, Mapping[int, Outcome]]]:
    """A title, and what comes of it by number of workers."""
    for title, change in REMEDIES.items():
        yield (
            title,
            {workers: played(change(base(costs, database=database, kind=kind, workers=workers))) for workers in HELP},
        )

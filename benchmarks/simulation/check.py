"""Simulated beside real: runs of 1, 2, 4 and 8 workers on this machine, and planners that do nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.database import find_server
from benchmarks.nginx import running_nginx
from benchmarks.rounds import say
from benchmarks.shop import multiplied, template_shop
from benchmarks.simulation.costs import Costs
from benchmarks.simulation.model import Outcome, simulate, simulate_planners
from benchmarks.simulation.places import Place, mariadb, postgresql
from benchmarks.simulation.planners import Plans, plans_of
from benchmarks.simulation.real import Real, run
from benchmarks.simulation.setup import Setup

WORKERS = (1, 2, 4, 8)
PLANNERS = (1, 4, 16, 64)
IN_FLIGHT = 40  # of a worker: with an API of 20 ms, 2,000 rows/s at the most
_DELAY = 20  # milliseconds
_SECONDS = 4.0
_TEMPLATE = 50_000
_MOST_ROWS_PER_SECOND = 12_000
_UNTIL_SEEN = 30  # seconds; from the first process's start to the end of what is looked at


@dataclass(frozen=True, slots=True)
class Checked:
    kind: str
    simulated: Outcome
    real: Real

    @property
    def error(self) -> float:
        """By how much the simulated rows/s are more than the real ones; 0.1 is a tenth."""
        return self.simulated.rows_per_second / self.real.rows_per_second - 1


@dataclass(frozen=True, slots=True)
class CheckedPlans:
    """database: its kind. simulated: ranges a second, tries of one."""

    database: str
    simulated: tuple[float, float]
    real: Plans


def checked(costs: Costs, *, workers: Sequence[int] = WORKERS) -> Iterator[Checked]:
    """Five minutes, on MariaDB. Raises Missing, CommandFailed."""
    with (
        TemporaryDirectory() as folder,
        running_nginx(Path(folder)) as api,
        template_shop(find_server(), _TEMPLATE) as template,
    ):
        for kind in costs.rows:
            for count in workers:
                rows = min(2_000 * count, _MOST_ROWS_PER_SECOND) * _UNTIL_SEEN
                with multiplied(template, 1 + rows // _TEMPLATE) as shop:
                    real = run(
                        shop,
                        api,
                        workers=count,
                        in_flight=IN_FLIGHT,
                        delay=_DELAY,
                        idempotent=kind == "idempotent",
                        seconds=_SECONDS,
                    )
                found = Checked(kind, simulate(setup_of(costs, kind, count, real.others)), real)
                say(
                    f"{kind}, {count} workers: {real.rows_per_second:,.0f} rows/s, {found.error:+.0%} simulated"
                    f" (others: {real.others:.1f} sessions)"
                )
                yield found


def setup_of(costs: Costs, kind: str, workers: int, others: float) -> Setup:
    """What `checked` runs, with this machine's processors for all of it."""
    return Setup(
        workers=workers,
        calls=costs.calls["mariadb"],
        worker_row=costs.rows[kind].worker,
        api_row=costs.rows[kind].api,
        commit=costs.commit,
        concurrency=IN_FLIGHT,
        latency=_DELAY / 1000,
        windows=kind == "once",
        shared_cores=os.cpu_count() or 1,
        others=others,
    )


def checked_plans(costs: Costs, *, planners: Sequence[int] = PLANNERS, seconds: float = 5.0) -> Iterator[CheckedPlans]:
    """A minute. Raises Missing."""
    places: dict[str, AbstractContextManager[Place]]
    for count in planners:
        places = {"mariadb": mariadb(), "postgresql": postgresql()}
        for database, place_of in places.items():
            with place_of as place:
                real = plans_of(place.url, count, seconds=seconds)
            say(f"{count} planners on {database}: {real.per_second:.0f} ranges/s, {real.tries:.1f} tries a range")
            setup = Setup(
                workers=count,
                calls=costs.calls[database],
                worker_row=0.0,
                commit=costs.commit,
                shared_cores=os.cpu_count() or 1,
            )
            yield CheckedPlans(database, simulate_planners(setup, seconds=20.0), real)

"""Many workers against one ledger: simulated (the default, needs no server), measured, or checked against real runs.

python -m benchmarks.simulation [simulate | measure | measure-again | check] [--write]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping

from benchmarks.figures import CommandFailed
from benchmarks.missing import Missing
from benchmarks.pages import put
from benchmarks.rounds import say
from benchmarks.simulation import check, scenarios, tables
from benchmarks.simulation.costs import Costs, keep, kept, least
from benchmarks.simulation.measure import measured

_PAGE = "docs/explanation/many-workers.md"
_TITLES = {"idempotent": "`idempotent: true`", "once": "`idempotent: false`"}


def main() -> int:
    wanted = _arguments()
    try:
        text = _PARTS[wanted.part]()
    except (Missing, CommandFailed) as reason:
        say(f"{wanted.part}: {reason}")
        return 2
    print(text)
    if wanted.write:
        put(_PAGE, wanted.part.removesuffix("-again"), text)
    return 0


def _simulate() -> str:
    costs = kept()
    parts = [f"Costs: {costs.machine}.\n"]
    for database in costs.calls:
        for kind in costs.rows:
            parts.append(f"### {database}, {_TITLES[kind]}\n")
            parts.append(tables.growing(scenarios.growing(costs, database=database, kind=kind)) + "\n")
            knees = {
                how: scenarios.knee(costs, database=database, kind=kind, change=change)
                for how, change in scenarios.PLANNING.items()
            }
            parts.append(tables.knees(knees) + "\n")
    for kind in costs.rows:
        parts.append(f"### What helps: mariadb, {_TITLES[kind]}\n")
        parts.append(tables.helped(scenarios.helped(costs, database="mariadb", kind=kind)) + "\n")
    return "\n".join(parts)


def _measure() -> str:
    return _keep(measured())


def _measure_again() -> str:
    """What was kept, where that is less: on a machine that others use."""
    before = kept()
    return _keep(least(before, measured()))


def _keep(costs: Costs) -> str:
    keep(costs)
    rows = "; ".join(
        f"a row of a job with {_TITLES[kind]}: {row.worker * 1e6:.0f} µs of the worker, {row.api * 1e6:.0f} of the API"
        for kind, row in costs.rows.items()
    )
    return f"{costs.machine}; an fsync {costs.commit * 1e3:.2f} ms; {rows}\n\n{tables.costs(costs)}"


def _check() -> str:
    costs = kept()
    plans = tables.checked_plans(check.checked_plans(costs))
    return f"{tables.checked(check.checked(costs))}\n\n{plans}"


_PARTS: Mapping[str, Callable[[], str]] = {
    "simulate": _simulate,
    "measure": _measure,
    "measure-again": _measure_again,
    "check": _check,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("part", nargs="?", choices=list(_PARTS), default="simulate")
    parser.add_argument("--write", action="store_true", help=f"also into {_PAGE}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

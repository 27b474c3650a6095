"""What was simulated, measured and checked, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from benchmarks.simulation.check import Checked, CheckedPlans
from benchmarks.simulation.costs import Calls, Cost, Costs
from benchmarks.simulation.model import Outcome
from benchmarks.tables import markdown

_MOST_NAMED = 3
_WORTH_NAMING = 0.05  # of what the ledger does


def growing(found: Iterable[tuple[int, Outcome]]) -> str:
    head = [
        "workers",
        "rows/s",
        "limit",
        "on the wire",
        "ledger busy",
        "of it, above all",
        "job's row locked",
        "tries of a plan",
        "settle waits",
        "heartbeat waits",
    ]
    return markdown(head, [_line(workers, outcome) for workers, outcome in found])


def knees(found: Mapping[str, int | None]) -> str:
    told = (f"{how}: {'not up to 500' if workers is None else f'{workers} workers'}" for how, workers in found.items())
    return f"The API is the limit no more from about, {'; '.join(told)}."


def helped(found: Iterable[tuple[str, Mapping[int, Outcome]]]) -> str:
    lines: list[list[str]] = []
    head: Sequence[str] = []
    for title, outcomes in found:
        head = [*(f"{workers} workers" for workers in outcomes)]
        lines.append([title, *(f"{_thousands(one.rows_per_second)} ({one.limit})" for one in outcomes.values())])
    return markdown(["rows/s (limit)", *head], lines)


def costs(found: Costs) -> str:
    """Milliseconds of the server's processors, and what is waited besides."""
    kinds = list(found.calls)
    head = ["call", *(f"{kind}: {what}" for kind in kinds for what in ("CPU ms", "a thing µs", "wait ms"))]
    lines = [
        [f"`{field.name}`", *(cell for kind in kinds for cell in _cost(getattr(found.calls[kind], field.name)))]
        for field in fields(Calls)
    ]
    return markdown(head, lines)


def checked(found: Iterable[Checked]) -> str:
    head = [
        "job",
        "workers",
        "simulated rows/s",
        "real rows/s",
        "error",
        "simulated limit",
        "a row's CPU µs: worker, simulated",
        "real",
        "database, simulated",
        "real",
        "others",
    ]
    return markdown(head, [_checked(one) for one in found])


def checked_plans(found: Iterable[CheckedPlans]) -> str:
    head = ["database", "planners", "simulated tries of a range", "real", "simulated ranges/s", "real"]
    return markdown(
        head,
        [
            [
                one.database,
                str(one.real.planners),
                f"{one.simulated[1]:.1f}",
                f"{one.real.tries:.1f}",
                f"{one.simulated[0]:,.1f}",
                f"{one.real.per_second:,.1f}",
            ]
            for one in found
        ],
    )


def _line(workers: int, outcome: Outcome) -> list[str]:
    return [
        str(workers),
        _thousands(outcome.rows_per_second),
        outcome.limit,
        f"{outcome.on_wire:.0%}",
        f"{outcome.ledger_busy:.0%}",
        _above_all(outcome),
        f"{outcome.job_row:.0%}",
        f"{outcome.tries:.1f}",
        _milliseconds(outcome.waits.get("settle", 0.0)),
        _milliseconds(outcome.waits.get("renew", 0.0)),
    ]


def _above_all(outcome: Outcome) -> str:
    whole = sum(outcome.ledger.values())
    most = sorted(outcome.ledger.items(), key=lambda item: (-item[1], item[0]))[:_MOST_NAMED]
    return ", ".join(f"`{name}` {used / whole:.0%}" for name, used in most if used >= _WORTH_NAMING * whole)


def _checked(one: Checked) -> list[str]:
    simulated, real = one.simulated, one.real
    database = sum(simulated.ledger.values()) / simulated.rows_per_second
    return [
        one.kind,
        str(real.workers),
        _thousands(simulated.rows_per_second),
        _thousands(real.rows_per_second),
        f"{one.error:+.0%}",
        simulated.limit,
        f"{simulated.worker_busy * real.workers / simulated.rows_per_second * 1e6:.0f}",
        f"{real.worker_row * 1e6:.0f}",
        f"{database * 1e6:.0f}",
        f"{real.database_row * 1e6:.0f}",
        f"{real.others:.1f}",
    ]


def _cost(cost: Cost) -> list[str]:
    return [f"{cost.cpu * 1e3:.2f}", f"{cost.cpu_each * 1e6:.2f}", f"{cost.wait * 1e3:.1f}"]


def _thousands(number: float) -> str:
    return f"{number:,.0f}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.0f} ms"

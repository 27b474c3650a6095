"""The goals that penstock is built to, beside what a run found. They are shown, never asserted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.adaptive import Adapted
from benchmarks.cases import (
    AFTERNOON,
    BROKER,
    DRT,
    MANY,
    MANY_BY_BROKER,
    NODE,
    PENSTOCK,
    PENSTOCK_ONCE,
    PENSTOCK_TLS,
    PROCESSES,
    SENDER,
    THREADS,
    Case,
)
from benchmarks.figures import Figures
from benchmarks.scale import Scale
from benchmarks.tables import markdown
from benchmarks.verifying import Verified


@dataclass(frozen=True, slots=True)
class Goal:
    """measured: None where the parts for it were not run."""

    what: str
    goal: str
    measured: str | None
    met: bool = False

    def cells(self) -> list[str]:
        return [self.what, self.goal, self.measured or "not measured", "–" if self.measured is None else self._word()]

    def _word(self) -> str:
        return "yes" if self.met else "**no**"


def as_table(goals: list[Goal]) -> str:
    return markdown(["", "goal", "measured", "met"], [goal.cells() for goal in goals])


def of_speed(found: Mapping[Case, Figures]) -> list[Goal]:
    return [*_of_cpu(found), *_of_waiting(found), *_of_many(found), *_of_peers(found)]


def _of_cpu(found: Mapping[Case, Figures]) -> Iterator[Goal]:
    ours, once, tls = found.get(PENSTOCK), found.get(PENSTOCK_ONCE), found.get(PENSTOCK_TLS)
    yield at_most("CPU-s for 10,000 rows, 0 ms", 0.28, None if ours is None else ours.client_cpu, "{:.3f}")
    yield at_least("rows/s, 0 ms", 30_000, None if ours is None else ours.rows_per_second, "{:,.0f}")
    further = None if ours is None or once is None else once.client_cpu / ours.client_cpu - 1
    yield at_most("`idempotent: false` costs further CPU", 0.15, further, "{:.0%}")
    yield at_most("CPU-s for 10,000 rows, TLS", 0.60, None if tls is None else tls.client_cpu, "{:.3f}")


def _of_waiting(found: Mapping[Case, Figures]) -> Iterator[Goal]:
    for in_flight, share in ((64, 0.97), (256, 0.95)):
        rows = 2 if in_flight == 64 else 1
        ours = found.get(PENSTOCK.delayed(20, rows, in_flight))
        bare = found.get(SENDER.delayed(20, rows, in_flight))
        reached = None if ours is None or bare is None else ours.rows_per_second / bare.rows_per_second
        yield at_least(f"of the bare sender's rows/s, 20 ms, {in_flight} in flight", share, reached, "{:.1%}")


def _of_many(found: Mapping[Case, Figures]) -> Iterator[Goal]:
    for what, polling, broker in (("one worker", PENSTOCK, BROKER), (f"{PROCESSES} processes", MANY, MANY_BY_BROKER)):
        ours, theirs = found.get(polling), found.get(broker)
        reached = None if ours is None or theirs is None else theirs.rows_per_second / ours.rows_per_second
        yield at_least(f"of the rows/s without a broker, {what}", 0.95, reached, "{:.1%}")
    many = found.get(MANY)
    reached = None if many is None else many.rows_per_second / (MANY.in_flight / MANY.delay * 1000)
    yield at_least(f"of what a 20 ms API could take of {PROCESSES} x 64 at once", 0.95, reached, "{:.1%}")


def _of_peers(found: Mapping[Case, Figures]) -> Iterator[Goal]:
    quick, slow = found.get(PENSTOCK), found.get(PENSTOCK.delayed(5, 1, in_flight=256))
    for name, ours, peer, goal in (
        ("threads and one lock, 0 ms", quick, found.get(THREADS), 50),
        ("the afternoon's script, 0 ms", quick, found.get(AFTERNOON), 10),
        ("Node, 0 ms", quick, found.get(NODE), 1.8),
        ("drt, one sync, 5 ms", slow, found.get(DRT.delayed(5, 100, in_flight=1)), 150),
    ):
        times = None if ours is None or peer is None else ours.rows_per_second / peer.rows_per_second
        yield at_least(f"times the rows/s of {name}", goal, times, "{:.1f} ×")


def of_adapting(found: Sequence[Adapted]) -> list[Goal]:
    """The worst of all APIs. A drop is followed when no more than twice what the API bears is there."""
    dropped = [one.waiting for one in found if one.drops]
    return [
        at_least("of the best throughput, `auto`", 0.95, min((one.reached for one in found), default=None), "{:.1%}"),
        at_most(
            "times the unloaded p99 latency, `auto`", 2, max((one.queued for one in found), default=None), "{:.2f} ×"
        ),
        at_most(
            "times what the API bears on the wire, 5 s after a drop to a tenth",
            2,
            max(dropped, default=None),
            "{:.1f} ×",
        ),
        at_most("further attempts, `auto`", 0, max((one.further for one in found), default=None), "{:,.0f}"),
    ]


def of_scale(found: Scale | None) -> list[Goal]:
    growth = None if found is None else found.cpu[-1] / found.cpu[1] - 1
    peak = None if found is None else found.megabytes[-1]
    more = None if found is None else found.megabytes[-1] - found.megabytes[1]
    first_post = None if found is None else found.seconds_to_first_post
    rows = "a large table" if found is None else f"{found.rows:,} rows"
    return [
        at_most(f"CPU of a row in the last tenth of {rows}, more than in the second", 0.05, growth, "{:.1%}"),
        at_most(f"peak memory with {rows}, MB", 100, peak, "{:.0f}"),
        at_most("of it come after the first fifth, MB", 5, more, "{:.1f}"),
        at_most("seconds to the first POST with 99 % done", 2, first_post, "{:.1f}"),
    ]


def of_verifying(found: Sequence[Verified]) -> list[Goal]:
    """The worst of all stores. What a row more costs in memory shows between a tenth of the rows and all of them."""
    peak = max((one.megabytes for one in found), default=None)
    more = max((one.megabytes - one.megabytes_of_a_tenth for one in found), default=None)
    rows = f"{found[0].rows:,} rows" if found else "a large table"
    return [
        at_most(f"peak memory of `verify` with {rows}, MB", 150, peak, "{:.0f}"),
        at_most("of it come after the first tenth, MB", 5, more, "{:.1f}"),
    ]


def at_most(what: str, goal: float, value: float | None, form: str) -> Goal:
    return Goal(what, "≤ " + form.format(goal), None if value is None else form.format(value), (value or 0) <= goal)


def at_least(what: str, goal: float, value: float | None, form: str) -> Goal:
    return Goal(what, "≥ " + form.format(goal), None if value is None else form.format(value), (value or 0) >= goal)

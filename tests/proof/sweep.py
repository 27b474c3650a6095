"""Hits one run after the other, lets the next one finish what is left, and looks at everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from tests.proof.evidence import Finding
from tests.proof.lane import CONCURRENCY, Lane
from tests.proof.points import Call, Point, calls_in, sampled

# What the oracle does while a run is hit. Afterwards it accepts everything.
WEATHERS = {
    "calm": "accept=1",
    "storm": "accept=5,slow=1,stray=1,lose=1,drop=1,cut=1,fail-after=1,fail-before=1,throttle=1,refuse=1",
}


PointsOf: TypeAlias = Callable[[Sequence[Call]], list[Point]]


@dataclass(frozen=True)
class Case:
    """Points that runs are hit at, one run after the other, with all that it takes to repeat them."""

    weather: str
    seed: int
    points: tuple[Point, ...]

    def __str__(self) -> str:
        return f"{self.weather}:{self.seed}:{'>'.join(map(str, self.points))}"

    @classmethod
    def parse(cls, text: str) -> Case:
        weather, seed, points = text.split(":")
        return cls(weather, int(seed), tuple(map(Point.parse, points.split(">"))))

    @property
    def may_be_in_doubt(self) -> int | None:
        """How many rows at the most: what each kill found on the wire. None: nobody can say, as API or journal stumble too."""
        if self.weather != "calm" or any(not point.effect.startswith("SIG") for point in self.points):
            return None
        return CONCURRENCY * sum(point.is_deadly for point in self.points)


@dataclass
class Tally:
    """hit: runs that were killed, or met the error. missed: those that ended before they came to the point. slowest: seconds that
    the run after it took at the most. broken: how often which invariant did not hold. failures: with how to repeat them."""

    hit: int = 0
    missed: int = 0
    slowest: float = 0.0
    broken: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.hit + other.hit,
            self.missed + other.missed,
            max(self.slowest, other.slowest),
            self.broken + other.broken,
            self.failures + other.failures,
        )

    def __str__(self) -> str:
        lost, doubled = self.broken["I1"], self.broken["I5"] + self.broken["I6"]
        others = self.broken.total() - lost - doubled - self.broken["I7"]
        found = f"{lost} lost, {doubled} doubled, {self.broken['I7']} unexplained, {others} otherwise wrong"
        return f"{self.hit:5} points: {found}; {self.missed} not met; next run at most {self.slowest:.1f} s"


def trace(lane: Lane, seed: int) -> Mapping[str, Sequence[Call]]:
    """weather → the calls of a run that nothing hits."""
    traces = {}
    for weather, mix in WEATHERS.items():
        lane.reset(mix, seed)
        ran = lane.run("traced", traced=True)
        assert ran.code in (0, 1), lane.said()
        traces[weather] = calls_in(ran.trace)
    return traces


def cases(
    traces: Mapping[str, Sequence[Call]], seed: int, most: int, points_of: PointsOf, *, in_a_row: int = 1
) -> list[Case]:
    """At most so many, half of them in each weather. The same seed gives the same ones for the same traces. in_a_row: so many
    runs are hit before one is left alone; their points are drawn, not gone through."""
    random = Random(seed)
    found: list[Case] = []
    for number, (weather, calls) in enumerate(traces.items()):
        points = points_of(calls)
        share = most // len(traces) + (number < most % len(traces))
        drawn: list[tuple[Point, ...]]
        if in_a_row == 1:
            drawn = [(point,) for point in sampled(points, share, random)]
        else:
            drawn = [tuple(random.choices(points, k=in_a_row)) for _ in range(share)]
        found += [Case(weather, random.randrange(1_000_000), chosen) for chosen in drawn]
    return found


def sweep(lane: Lane, hits: Sequence[Case], repeat: str) -> Tally:
    """repeat: the command line that repeats a case, with {case} in its place."""
    tally = Tally()
    for case in hits:
        again = repeat.format(case=f"'{case}'")
        try:
            found, trace = _hit(lane, case, tally)
        except Exception as error:
            error.add_note(f"repeat it: {again}")
            raise
        if found:
            tally.broken.update({finding.invariant for finding in found})
            words = [*map(str, found), f"repeat it: {again}", "its last calls:", *trace, lane.said()]
            tally.failures.append("\n".join(words))
    return tally


def _hit(lane: Lane, case: Case, tally: Tally) -> tuple[list[Finding], Sequence[str]]:
    lane.reset(WEATHERS[case.weather], case.seed)
    found: list[Finding] = []
    trace: list[str] = []
    for number, point in enumerate(case.points, start=1):
        hit = lane.run(f"hit-{number}", point=point)
        is_hit = any(point.mark in line for line in hit.trace)
        tally.hit += is_hit
        tally.missed += not is_hit
        trace += hit.trace[-12:]
        if hit.was_stuck:
            found.append(Finding("I8", f"run {number} did not end by itself"))
        found += [Finding(name, f"{words} (after hit {number})") for name, words in lane.findings()]
    lane.oracle.tell(mix=WEATHERS["calm"])
    resumed = lane.run("resumed")
    tally.slowest = max(tally.slowest, resumed.seconds)
    return found + lane.findings(resumed, may_be_in_doubt=case.may_be_in_doubt), trace

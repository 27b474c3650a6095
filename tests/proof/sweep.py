"""Hits one run after the other, lets the next one finish what is left, and looks at everything."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.proof.evidence import Finding
from tests.proof.lane import Lane
from tests.proof.points import Call, Point, calls_in, sampled

# What the oracle does while a run is hit. Afterwards it accepts everything.
WEATHERS = {
    "calm": "accept=1",
    "storm": "accept=5,slow=1,stray=1,lose=1,drop=1,cut=1,fail-after=1,fail-before=1,throttle=1,refuse=1",
}


@dataclass(frozen=True)
class Case:
    """A point with all that it takes to repeat it."""

    weather: str
    seed: int
    point: Point

    def __str__(self) -> str:
        return f"{self.weather}:{self.seed}:{self.point}"

    @classmethod
    def parse(cls, text: str) -> Case:
        weather, seed, point = text.split(":")
        return cls(weather, int(seed), Point.parse(point))


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


def cases(lane: Lane, seed: int, most: int, points_of: Callable[[Sequence[Call]], list[Point]]) -> list[Case]:
    """At most so many, half of them in each weather, from traces of clean runs. The same seed gives the same ones, as far as runs
    are alike."""
    random = Random(seed)
    found: list[Case] = []
    for number, (weather, mix) in enumerate(WEATHERS.items()):
        lane.reset(mix, seed)
        ran = lane.run("traced", traced=True)
        assert ran.code in (0, 1, 3), lane.said()
        points = points_of(calls_in(ran.trace))
        share = most // len(WEATHERS) + (number < most % len(WEATHERS))
        found += [Case(weather, random.randrange(1_000_000), point) for point in sampled(points, share, random)]
    return found


def sweep(lane: Lane, hits: Sequence[Case], repeat: str) -> Tally:
    """repeat: the command line that repeats a case, with CASE in its place."""
    tally = Tally()
    for case in hits:
        again = repeat.replace("CASE", f"'{case}'")
        try:
            found, trace = _hit(lane, case, tally)
        except Exception as error:
            error.add_note(f"repeat it: {again}")
            raise
        if found:
            tally.broken.update({finding.invariant for finding in found})
            words = [*map(str, found), f"repeat it: {again}", "its last calls:", *trace[-12:], lane.said()]
            tally.failures.append("\n".join(words))
    return tally


def _hit(lane: Lane, case: Case, tally: Tally) -> tuple[list[Finding], Sequence[str]]:
    lane.reset(WEATHERS[case.weather], case.seed)
    hit = lane.run("hit", point=case.point)
    is_hit = hit.code == -signal.SIGKILL if case.point.error is None else any("INJECTED" in line for line in hit.trace)
    tally.hit += is_hit
    tally.missed += not is_hit
    found = [Finding(name, f"{words} (when it was hit)") for name, words in lane.findings()]
    lane.oracle.tell(mix=WEATHERS["calm"])
    resumed = lane.run("resumed")
    tally.slowest = max(tally.slowest, resumed.seconds)
    return found + lane.findings(resumed), hit.trace

"""The simulated ledger: processors, a log on a disk, the job's row. Each call takes what it was measured to take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator

from benchmarks.simulation.costs import Cost
from benchmarks.simulation.events import Clock, Cores, Lock, Log, Steps
from benchmarks.simulation.setup import Setup

# Statements one after another, with BEGIN and COMMIT where there are such.
_TRIPS = {
    "cursor": 1,
    "plan": 6,
    "look": 1,
    "look_up": 1,
    "settle": 4,
    "flags": 1,
    "finish": 2,
    "window": 1,
    "drop_window": 0,
    "renew": 5,
    "counts": 1,
    "counts_keys": 1,
    "accepted": 5,
    "source_keys": 1,
    "source_page": 2,
}
_COMMITS = frozenset({"plan", "settle", "window", "renew", "accepted"})


class Ledger:
    """cursor: rows planned so far, `total` at the most. leased: ranges. window_keys: of all windows that are open.
    waited: seconds, and how often, by call: from asking to having the answer."""

    def __init__(self, clock: Clock, setup: Setup, cores: Cores, total: float) -> None:
        self.cursor = 0
        self.leased = 0
        self.window_keys = 0
        self.job_row = Lock(clock)
        self.waited: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0])
        self.collisions = 0
        self._clock = clock
        self._setup = setup
        self._cores = cores
        self._log = Log(clock, setup.commit)
        self._total = total

    def call(self, name: str, things: float = 0.0) -> Steps:
        began = self._clock.now
        yield from self._serve(name, things)
        if name in _COMMITS:
            yield from self._log.commit()
        self._note(name, began)

    def plan(self) -> Generator[float | None, None, int]:
        """Whoever has asked where the cursor is, and what comes behind it, may find it moved when it is his turn: then again.
        Gives how many rows the range has; 0: all are planned."""
        setup = self._setup
        while self.cursor < self._total:
            began = self._clock.now
            if setup.plans_in_turn:
                yield from self.job_row.take()
            if setup.workers > 1:
                yield from self.call("cursor")
            seen = self.cursor
            yield from self.source("source_keys", setup.range_rows)
            if not setup.plans_in_turn:
                yield from self.job_row.take()
            yield from self._serve("plan", 0.0)
            rows = int(min(setup.range_rows, self._total - seen))
            if self.cursor == seen and rows:
                # The row is locked until the commit is durable.
                yield from self._log.commit()
                self.cursor += rows
                self.leased += 1
                self.job_row.let_go()
                self._note("plan", began)
                return rows
            self.collisions += 1
            self.job_row.let_go()
            yield from self.call("cursor")
        return 0

    def settle(self, rows: int, ranges_done: int) -> Steps:
        setup = self._setup
        began = self._clock.now
        yield from self._serve("settle", rows)
        if setup.flags and not setup.apart:
            yield from self._serve("flags", rows)
        if ranges_done:
            yield from self.job_row.take()
        for _ in range(ranges_done):
            yield from self._serve("finish", 0.0)
            if setup.windows:
                yield from self._serve("drop_window", 0.0)
        yield from self._log.commit()
        if ranges_done:
            self.leased -= ranges_done
            self.job_row.let_go()
        self._note("settle", began)

    def source(self, name: str, things: float) -> Steps:
        """A read of the source: in the ledger's database, or in another that is not in the way."""
        if self._setup.apart:
            cost = self._cost(name)
            yield cost.wait + cost.cpu_of(things)
        else:
            yield from self._serve(name, things)

    def _serve(self, name: str, things: float) -> Steps:
        cost = self._cost(name)
        wait = cost.wait - (self._setup.commit if name in _COMMITS else 0.0)
        yield max(0.0, wait) + self._setup.round_trip * _TRIPS[name]
        yield from self._cores.work(cost.cpu_of(things), name)

    def _cost(self, name: str) -> Cost:
        cost: Cost = getattr(self._setup.calls, name)
        return cost

    def _note(self, name: str, began: float) -> None:
        waited = self.waited[name]
        waited[0] += self._clock.now - began
        waited[1] += 1

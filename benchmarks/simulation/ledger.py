"""The simulated ledger: processors, a log on a disk, the job's row. Each call takes what it was measured to take."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Generator

from benchmarks.simulation.costs import Cost
from benchmarks.simulation.events import Clock, Cores, Lock, Log, Steps
from benchmarks.simulation.setup import LONGEST_TURN, STAGGER, Setup

# Statements one after another, with BEGIN and COMMIT where there are such.
_TRIPS = {
    "cursor": 1,
    "plan": 6,
    "plan_ahead": 6,
    "look": 1,
    "take": 5,
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
_GOLDEN = 0.618033988749895
_COMMITS = frozenset({"plan", "plan_ahead", "take", "settle", "window", "renew", "accepted"})


class Ledger:
    """cursor: rows planned so far, `total` at the most. leased: ranges. window_keys: of all windows that are open.
    tries: to move the cursor. ranges: that were had. waited: seconds, and how often, by call: from asking to the answer."""

    def __init__(self, clock: Clock, setup: Setup, cores: Cores, total: float) -> None:
        self.cursor = 0
        self.leased = 0
        self.window_keys = 0
        self.job_row = Lock(clock)
        self.waited: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0])
        self.tries = 0
        self.ranges = 0
        self._open: deque[int] = deque()  # rows of each range that was planned ahead
        self._late = 0  # how often one came too late
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

    def next_range(self) -> Generator[float | None, None, int]:
        """How many rows the next range has, open or planned for this one; 0: all are planned and leased."""
        setup = self._setup
        came_too_late = False
        while True:
            yield from self.call("look", self.leased)
            if self._open:
                rows = self._open.popleft()
                yield from self.call("take")
                return self._had(rows)
            if self.cursor >= self._total:
                return 0
            if came_too_late and min(setup.most_ahead, setup.workers) > 1:
                came_too_late = yield from self._plan_ahead(min(setup.most_ahead, setup.workers))
            else:
                rows = yield from self._plan()
                if rows:
                    return self._had(rows)
                came_too_late = not setup.plans_in_turn
            if came_too_late and setup.most_ahead > 1:
                yield self._turn()

    def _had(self, rows: int) -> int:
        self.leased += 1
        self.ranges += 1
        return rows

    def _turn(self) -> float:
        """When one that came too late looks again: as evenly spread as what is drawn by chance, and each time the same."""
        self._late += 1
        return (self._late * _GOLDEN % 1.0) * min(LONGEST_TURN, STAGGER * self._setup.workers)

    def _plan(self) -> Generator[float | None, None, int]:
        """Whoever has asked where the cursor is, and what comes behind it, may find it moved when it is his turn: 0 then."""
        setup = self._setup
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
        self.tries += 1
        rows = int(min(setup.range_rows, self._total - seen)) if self.cursor == seen else 0
        if rows:
            # The row is locked until the commit is durable.
            yield from self._log.commit()
            self.cursor += rows
        self.job_row.let_go()
        if rows:
            self._note("plan", began)
        else:
            yield from self.call("cursor")
        return rows

    def _plan_ahead(self, most: int) -> Generator[float | None, None, bool]:
        """Few first, then ever more. True: too late again."""
        setup = self._setup
        yield from self.call("cursor")
        walked = self.cursor
        made = 0
        while made < most and walked < self._total:
            began = self._clock.now
            first = walked
            for _ in range(min(max(2, most // 32, made), most - made)):
                if walked < self._total:
                    yield from self.source("source_keys", setup.range_rows)
                    walked = int(min(walked + setup.range_rows, self._total))
            yield from self.job_row.take()
            self.tries += 1
            spans = -(-(walked - max(first, self.cursor)) // setup.range_rows)
            yield from self._serve("plan_ahead", max(0, spans))
            if spans <= 0:
                self.job_row.let_go()
                if not made:
                    yield from self.call("cursor")
                return not made
            yield from self._log.commit()
            while self.cursor < walked:
                rows = int(min(setup.range_rows, walked - self.cursor))
                self.cursor += rows
                self._open.append(rows)
            self.job_row.let_go()
            self._note("plan_ahead", began)
            made += spans
        return False

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

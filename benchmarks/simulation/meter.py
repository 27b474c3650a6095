"""What a call costs: processor time of the server's process, and how long the caller waited.

Of several rounds the lower quartile is taken, not the median: whatever else the machine does makes both longer, never shorter.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from statistics import linear_regression, quantiles

from benchmarks.processes import tree
from benchmarks.simulation.costs import Cost

# One after another, so that what else the machine does is felt by some of them alone.
ROUNDS = 8


class Meter:
    """process: the server's first. calls: in a round."""

    def __init__(self, process: int, calls: int) -> None:
        self._process = process
        self._calls = calls

    async def each(self, call: Callable[[], Awaitable[object]], *, calls: int | None = None) -> tuple[float, float]:
        """Seconds of (the server's processors, waiting for it) for one call. The first call, which prepares, is left out."""
        count = calls or self._calls
        await call()
        cpu: list[float] = []
        waited: list[float] = []
        for _ in range(ROUNDS):
            cpu_before = _processor_seconds(self._process)
            for _ in range(count):
                before = time.perf_counter()
                await call()
                waited.append(time.perf_counter() - before)
            cpu.append((_processor_seconds(self._process) - cpu_before) / count)
        return _lower(cpu), _lower(waited)

    async def cost(self, call: Callable[[], Awaitable[object]], *, calls: int | None = None) -> Cost:
        cpu, waited = await self.each(call, calls=calls)
        return Cost(cpu=cpu, wait=max(0.0, waited - cpu))


def line(seen: Mapping[int, tuple[float, float]]) -> Cost:
    """What calls about different numbers of things cost, as a call and so much more for each; `wait` is that of the smallest."""
    fit = linear_regression(list(seen), [cpu for cpu, _ in seen.values()])
    each, nothing = max(0.0, fit.slope), max(0.0, fit.intercept)
    cpu, waited = seen[min(seen)]
    return Cost(cpu=nothing, wait=max(0.0, waited - cpu), cpu_each=each)


def beyond(more: tuple[float, float], less: tuple[float, float]) -> Cost:
    """What the one costs on top of the other."""
    return Cost(cpu=max(0.0, more[0] - less[0]), wait=max(0.0, (more[1] - more[0]) - (less[1] - less[0])))


def _lower(values: Sequence[float]) -> float:
    return quantiles(values, n=4)[0]


def _processor_seconds(process: int) -> float:
    """Of all threads that live, in the scheduler's nanoseconds: /proc/PID/stat knows hundredths of a second."""
    total = 0
    for pid in tree(process):
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(thread.read_text().split()[0])
            except OSError:  # it has ended meanwhile
                continue
    return total / 1e9

"""So many workers against one ledger: a discrete-event simulation, of batches and pages rather than of rows.

A formula for queues would be shorter. But batches grow while they wait, plans collide, and heartbeats cost more the more workers
there are: what comes of these together is seen by playing it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.simulation.events import Clock, Cores, Steps
from benchmarks.simulation.ledger import Ledger
from benchmarks.simulation.setup import Setup
from benchmarks.simulation.worker import Worker

_BUSY = 0.95
_ON_WIRE = 0.8
_NOT_THE_LEDGER = frozenset({"worker", "API", "others"})
_OTHERS_EVERY = 0.01
WARM_UP = 5.0
SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """rows_per_second: settled, once everybody is at work. limit: what keeps it from being more. ledger: cores that the ledger's
    database is busy with, by call. ledger_busy, worker_busy, on_wire, job_row: shares of what there is, 1.0 being all of it: the
    ledger's processors, the workers', the requests that may be on the wire, the time in which the job's row is locked.
    planned, sent, settled: rows, from the beginning. tries: to move the cursor for one range that was had, on average.
    batch: rows of a settle, on average. waits: seconds that a call took, on average.
    """

    rows_per_second: float
    limit: str
    ledger: Mapping[str, float]
    ledger_busy: float
    worker_busy: float
    on_wire: float
    job_row: float
    planned: int
    sent: int
    settled: int
    tries: float
    batch: float
    waits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What has come up to a moment."""

    settled: int
    on_wire: float
    job_row: float
    tries: int
    ranges: int
    used: Mapping[str, float]
    own: float
    waited: Mapping[str, tuple[float, float]]


def simulate(setup: Setup, *, rows: float = math.inf, warm_up: float = WARM_UP, seconds: float = SECONDS) -> Outcome:
    """rows: that the source has; when they are settled, no more happens. What is told is of the `seconds` behind the warm-up."""
    clock = Clock()
    shared = None if setup.shared_cores is None else Cores(clock, setup.shared_cores)
    cores = shared or Cores(clock, setup.ledger_cores)
    ledger = Ledger(clock, setup, cores, rows)
    workers = [Worker(clock, setup, ledger, shared, number) for number in range(setup.workers)]

    if shared is not None:
        for other in range(math.ceil(setup.others)):
            clock.start(_other(shared, min(1.0, setup.others - other)))

    clock.run(warm_up)
    before = _look(ledger, cores, workers)
    clock.run(warm_up + seconds)
    after = _look(ledger, cores, workers)

    used = {kind: (after.used[kind] - before.used.get(kind, 0.0)) / seconds for kind in after.used}
    calls = {kind: cores_used for kind, cores_used in sorted(used.items()) if kind not in _NOT_THE_LEDGER}
    own = used.get("worker", 0.0) + (after.own - before.own) / seconds
    waits = {
        name: (total - before.waited.get(name, (0.0, 0))[0]) / max(1, times - before.waited.get(name, (0.0, 0))[1])
        for name, (total, times) in after.waited.items()
    }
    settles = _times(after, "settle") - _times(before, "settle")
    rows_per_second = (after.settled - before.settled) / seconds
    ledger_busy = (sum(used.values()) if shared else sum(calls.values())) / cores.count
    worker_busy = own / setup.workers
    on_wire = (after.on_wire - before.on_wire) / seconds / (setup.workers * setup.concurrency)
    job_row = (after.job_row - before.job_row) / seconds
    return Outcome(
        rows_per_second=rows_per_second,
        limit=_limit(setup, rows_per_second, ledger_busy, worker_busy, on_wire, job_row),
        ledger=calls,
        ledger_busy=ledger_busy,
        worker_busy=worker_busy,
        on_wire=on_wire,
        job_row=job_row,
        planned=ledger.cursor,
        sent=sum(worker.sent for worker in workers),
        settled=after.settled,
        tries=(after.tries - before.tries) / max(1, after.ranges - before.ranges),
        batch=(after.settled - before.settled) / max(1, settles),
        waits=waits,
    )


def simulate_planners(setup: Setup, *, seconds: float) -> tuple[float, float]:
    """All workers do nothing but ask for ranges: had a second, and tries to move the cursor that one took."""
    clock = Clock()
    cores = Cores(clock, setup.shared_cores or setup.ledger_cores)
    ledger = Ledger(clock, setup, cores, math.inf)
    for _ in range(setup.workers):
        clock.start(_ask_for_ever(ledger))
    clock.run(seconds)
    return ledger.ranges / seconds, ledger.tries / max(1, ledger.ranges)


def _ask_for_ever(ledger: Ledger) -> Steps:
    while True:
        yield from ledger.next_range()


def _other(shared: Cores, share: float) -> Steps:
    """A program that is no part of this and wants a processor so much of the time."""
    while True:
        yield from shared.work(_OTHERS_EVERY * share, "others")
        yield _OTHERS_EVERY * (1 - share)


def _look(ledger: Ledger, cores: Cores, workers: list[Worker]) -> _Seen:
    return _Seen(
        settled=sum(worker.settled for worker in workers),
        on_wire=sum(worker.on_wire for worker in workers),
        job_row=ledger.job_row.held,
        tries=ledger.tries,
        ranges=ledger.ranges,
        used=dict(cores.used),
        own=sum(worker.processor.own.used["worker"] for worker in workers),
        waited={name: (total, times) for name, (total, times) in ledger.waited.items()},
    )


def _times(seen: _Seen, call: str) -> float:
    return seen.waited.get(call, (0.0, 0))[1]


def _limit(
    setup: Setup, rows_per_second: float, ledger_busy: float, worker_busy: float, on_wire: float, job_row: float
) -> str:
    if ledger_busy >= _BUSY:
        return "ledger" if setup.shared_cores is None else "cores"
    if worker_busy >= _BUSY:
        return "workers"
    if rows_per_second >= _BUSY * setup.rate:
        return "rate"
    if job_row >= _BUSY:
        return "job row"
    # Workers wait for one another nowhere else: what is not on the wire waits for its own worker's calls.
    return "API" if on_wire >= _ON_WIRE else "calls"

"""What is simulated: workers, their job, the API, the machines and the ledger's database."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.simulation.costs import Calls

# As the engine has them: penstock.engine's reader, planner, settler, announcer, heartbeat and worker.
PAGE = 1000
SPAN = 999
MOST_ROWS = 900
LINGER = 0.1
MOST_WAITING = 2000
MOST_IN_DOUBT = 1000
CHUNK = 128
WINDOW = 250
BEAT = 1.0
SHOW = 1.0
LOOK_EVERY_SECOND = 8
MOST_AHEAD = 128
STAGGER = 0.012
LONGEST_TURN = 6.0


@dataclass(frozen=True, slots=True)
class Setup:
    """Times are in seconds.

    concurrency: requests on the wire of one worker; the job's is that of all. latency: of an answer. rate: a second, of all.
    worker_row, api_row: processor time of a row; the API's counts on a shared machine alone.
    commit: of an fsync of the ledger's log. round_trip: to the ledger and back, beyond what was measured beside it.
    windows: `idempotent: false`. flags: the job has a flag. apart: the ledger is no part of the source's database, which does not
    count then: reads and flags are its own.
    shared_cores: everything runs on one machine with so many; None: each worker has a core of its own, the ledger's database
    `ledger_cores`, the API all it needs. others: programs of others on a shared machine.
    range_rows: of a range. most_ahead: spans that whoever came too late plans at once, at the most; 1: each plans for itself.
    plans_in_turn: whoever plans looks where the cursor is once it is his turn, not before.
    batch_rows, linger: a batch to settle has so many rows at most, or what came in that time.
    beat: between two heartbeats; 0: none. beats_grow: whether each reads of all the workers.
    show: between two looks of a worker at the totals; 0: none. Of more than 8 workers each looks less often. shows_claimed:
    whether it reads everybody's windows for that.
    """

    workers: int
    calls: Calls
    worker_row: float
    concurrency: int = 16
    latency: float = 0.1
    rate: float = math.inf
    api_row: float = 0.0
    commit: float = 0.0
    round_trip: float = 0.0
    windows: bool = False
    flags: bool = True
    apart: bool = False
    shared_cores: int | None = None
    others: float = 0.0
    ledger_cores: int = 4
    range_rows: int = SPAN
    most_ahead: int = MOST_AHEAD
    plans_in_turn: bool = False
    batch_rows: int = MOST_ROWS
    linger: float = LINGER
    beat: float = BEAT
    beats_grow: bool = True
    show: float = SHOW
    shows_claimed: bool = True

    def __post_init__(self) -> None:
        for name in ("workers", "concurrency", "ledger_cores", "range_rows", "batch_rows", "most_ahead"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")

    @property
    def most_waiting(self) -> int:
        """Answers of one worker that may wait to be settled."""
        return MOST_IN_DOUBT * 2 // 3 if self.windows else MOST_WAITING

    @property
    def most_settled(self) -> int:
        """Rows of a batch."""
        return min(self.batch_rows, self.most_waiting * 3 // 4) if self.windows else self.batch_rows

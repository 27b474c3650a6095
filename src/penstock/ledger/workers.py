"""Who works on a job, and what they tell each other through the ledger: values of its port."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias

# A worker of which the ledger has heard nothing for so many seconds uses none of the job's rate: it has stopped sending before.
SILENT = 6.0

# Requests on the wire at once, of all workers together: a number, or what the API turns out to bear.
Concurrency: TypeAlias = int | Literal["auto"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Stake(NamedTuple):
    """What a worker uses of the job's limits, or asks for; math.inf: everything. rate: requests per second."""

    concurrency: float
    rate: float


EVERYTHING = Stake(math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Control:
    """What a person may change while the job runs, and how many workers share it. None: as the job file says."""

    paused: bool
    rate: float | None
    concurrency: Concurrency | None
    workers: int
    rank: int = (
        0  # of the asking worker among the live ones, by age: 0 .. workers - 1 (shares that do not divide evenly)
    )
    in_flight_elsewhere: int = 0  # requests of the other live workers, as each told with its last heartbeat
    stakes: tuple[Stake, ...] = ()  # of the other live workers, as each told with its last heartbeat
    quiet: float = 0.0  # seconds for which the API has told any worker to wait
    at: datetime = EPOCH  # the ledger's clock when this was read: the one clock that all workers share
    file_hash: str = ""  # of the job file that is being run
    generation: int = 1  # of the idempotency keys
    leads: bool = False  # of the live workers that use a broker, the asking one is the oldest
    is_known: bool = True  # the ledger knows the asking worker; not so after a `reset`


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a worker tells with each heartbeat; `status` shows it."""

    in_flight: int
    rows_per_second: float
    concurrency: int
    limited_by: str  # "API", "rate", "concurrency", "source", "ledger", "" ...
    hold: str = ""  # the reason, "" when not holding
    stake: Stake = EVERYTHING
    quiet: float = 0.0  # seconds for which the API has told this worker to wait


@dataclass(frozen=True, slots=True)
class Identity:
    """What a job is. Key and source may never change; the rest may, and is recorded."""

    name: str
    source: str  # digest of the source's address, database, query tables' identity as the adapter tells it; no secret
    key: tuple[str, ...]
    file_hash: str
    idempotent: bool
    writes_windows: bool  # what may be on the wire is written down first; not so where a repeat is harmless for ever


# What a worker that adopts joins with instead of its file's hash: no run is let in beside it, for it would send what is yet to be
# adopted.
ADOPTING = "adopting"


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as the ledger last heard of it."""

    owner: str
    host: str
    pid: int
    started_at: datetime
    seen_at: datetime
    alive: bool
    pulse: Pulse
    version: str = ""  # of its penstock
    ranges: int = 0  # that it holds
    silent_for: float = 0.0  # seconds since its last heartbeat


@dataclass(frozen=True, slots=True)
class JobRecord:
    """What a worker learns of its job when it joins. generation: of the idempotency keys."""

    generation: int

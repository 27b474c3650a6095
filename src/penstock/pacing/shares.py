"""A worker's part of what the job may do altogether. Workers agree without talking: each knows its rank among the live ones."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker may do. concurrency: requests on the wire at once (0: it waits). rate: requests a second, math.inf for no
    limit. adapts: concurrency is the upper end of a limit that finds out what the API bears. workers: how many there are, this
    one included. elsewhere: what the others have on the wire. ahead: seconds by which the clock that all workers share, the
    ledger's, is ahead of this worker's. until: when the others count on it no more."""

    concurrency: int
    rate: float
    adapts: bool = False
    workers: int = 1
    elsewhere: int = 0
    ahead: float = 0.0
    until: float = math.inf


def share_of_count(total: int, workers: int, rank: int) -> int:
    """Of `total` requests at once, how many are this worker's. All shares add up to `total`: a late rank may get 0."""
    base, rest = divmod(total, max(workers, 1))
    return base + (1 if rank < rest else 0)


def share_of_rate(total: float, workers: int) -> float:
    """Of `total` requests a second, how many are this worker's."""
    return total / max(workers, 1)

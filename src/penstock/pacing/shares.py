"""A worker's part of what the job may do altogether. Workers agree without talking: each knows its rank among the live ones."""

from __future__ import annotations


def share_of_count(total: int, workers: int, rank: int) -> int:
    """Of `total` requests at once, how many are this worker's. All shares add up to `total`: a late rank may get 0."""
    base, rest = divmod(total, max(workers, 1))
    return base + (1 if rank < rest else 0)


def share_of_rate(total: float, workers: int) -> float:
    """Of `total` requests a second, how many are this worker's."""
    return total / max(workers, 1)

"""What `penstock status` tells of a job: one look at the ledger, put together."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.insights.eta import seconds_left
from penstock.insights.totals import Totals, totals
from penstock.ledger.base import ReadModel
from penstock.ledger.rows import Cause, Counts
from penstock.ledger.workers import Control, Worker


@dataclass(frozen=True, slots=True)
class Overview:
    job: str
    counts: Counts
    control: Control
    workers: tuple[Worker, ...]  # those that the ledger has not forgotten; the live ones first
    causes: tuple[Cause, ...]

    @property
    def totals(self) -> Totals:
        return totals(self.counts)

    @property
    def live(self) -> tuple[Worker, ...]:
        return tuple(worker for worker in self.workers if worker.alive)

    @property
    def rows_per_second(self) -> float:
        """Of all live workers together, by their last heartbeats."""
        return sum((worker.pulse.rows_per_second for worker in self.live), 0.0)

    @property
    def seconds_left(self) -> float | None:
        """None where nothing can be said, as while the job is paused."""
        return None if self.control.paused else seconds_left(self.totals, self.rows_per_second)

    @property
    def holds(self) -> tuple[str, ...]:
        """Why live workers wait, each reason once."""
        return tuple(dict.fromkeys(worker.pulse.hold for worker in self.live if worker.pulse.hold))


async def look(job: str, model: ReadModel) -> Overview:
    # In this order a run that goes on meanwhile adds to the counts what has no cause yet, and never shows more causes than rows.
    causes = await model.causes()
    workers = await model.workers()
    return Overview(
        job=job,
        counts=await model.counts(),
        control=await model.control(),
        workers=tuple(sorted(workers, key=lambda worker: (not worker.alive, worker.started_at))),
        causes=tuple(causes),
    )

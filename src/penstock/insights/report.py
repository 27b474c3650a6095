"""All that a report tells of a job, put together from one walk over its ledger. How it looks is for others to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from penstock.insights.chronicle import FURTHER_ATTEMPTS, Chronicle, EventsSum
from penstock.insights.receipts import PAGE, pages_of_rows
from penstock.insights.tally import RowsSum, Tally
from penstock.insights.timeline import Timeline, TimelineSum
from penstock.insights.totals import pending
from penstock.insights.verification import Verification
from penstock.ledger.base import ReadModel
from penstock.ledger.rows import Counts
from penstock.ledger.states import RowState

EVERY_STATE = frozenset(RowState)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is reported on, as the job file says; without secrets. query: as written, or of a whole table. file, file_hash: the
    job file as it is now. flag: "table.column", "" for none."""

    job: str
    file: str
    file_hash: str
    source: str
    query: str
    key: tuple[str, ...]
    flag: str
    target: str
    ledger: str
    is_idempotent: bool


@dataclass(frozen=True, slots=True)
class Report:
    """at: when it was made. counts: the ledger's own totals; tally: the rows, counted again one by one. is_live: a worker was at
    work, so the figures are of moments that lie a little apart. timeline: None if nothing has happened yet."""

    subject: Subject
    at: datetime
    penstock: str
    counts: Counts
    tally: Tally
    chronicle: Chronicle
    timeline: Timeline | None
    generation: int
    is_live: bool
    verification: Verification | None

    @property
    def pending(self) -> int:
        return pending(self.counts)

    @property
    def rows_known(self) -> int:
        """The sum that has to come out."""
        counts = self.counts
        return counts.imported + counts.failed + counts.in_doubt + counts.skipped + self.pending

    @property
    def miscounted(self) -> tuple[RowState, ...]:
        """States of which the ledger's totals say another number than its rows. Pending rows need not have one yet."""
        return tuple(
            state
            for state in RowState
            if state.is_final and getattr(self.counts, state.value) != self.tally.rows[state]
        )

    @property
    def is_complete(self) -> bool:
        """Nothing is left to do: every row that the query shows has reached its final state."""
        return self.counts.pending_exact and not self.pending and not self.is_live

    @property
    def is_clean(self) -> bool:
        """And nothing needs a person's eye: nothing failed, is in doubt, may have been sent twice or was found by `verify`."""
        return (
            self.is_complete
            and not (self.counts.failed or self.counts.in_doubt or self.miscounted)
            and not self.chronicle.sent_twice
            and not (self.verification is not None and self.verification.findings)
        )


async def gather(
    model: ReadModel, subject: Subject, *, at: datetime, penstock: str, verification: Verification | None
) -> Report:
    """penstock: its version. Reads every event and every row, page by page; never waits for a lock."""
    timeline = TimelineSum(("imported", "failed", "in_doubt", FURTHER_ATTEMPTS))
    events = EventsSum(timeline)
    last = 0
    while page := await model.history(last, PAGE):
        for _, event in page:
            events.add(event)
        last = page[-1][0]
    before = await model.counts()
    rows = RowsSum(timeline)
    async for found in pages_of_rows(model, EVERY_STATE):
        for row in found:
            rows.add(row)
    counts = await model.counts()
    workers = await model.workers()
    return Report(
        subject=subject,
        at=at,
        penstock=penstock,
        counts=counts,
        tally=rows.tally,
        chronicle=events.chronicle,
        timeline=timeline.timeline(),
        generation=await model.generation(),
        is_live=any(worker.alive for worker in workers) or before != counts,
        verification=verification,
    )

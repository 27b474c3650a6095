"""Reports built from values, as `gather` would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from penstock.events import EventKind
from penstock.insights.chronicle import FURTHER_ATTEMPTS, EventsSum
from penstock.insights.report import Report, Subject
from penstock.insights.tally import RowsSum
from penstock.insights.timeline import TimelineSum
from penstock.insights.verification import Verification
from penstock.ledger.events import StoredEvent
from penstock.ledger.rows import Counts, LedgerRow
from penstock.ledger.states import RowState

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SUBJECT = Subject(
    job="orders",
    file="orders.yaml",
    file_hash="ab" * 32,
    source="mysql 127.0.0.1:3306/legacy",
    query="SELECT id FROM orders",
    key=("id",),
    flag="orders.is_import",
    target="POST https://api.example.com/v2/orders",
    ledger="mysql 127.0.0.1:3306/legacy",
    is_idempotent=False,
)


def row(key: str, state: RowState = RowState.IMPORTED, *, reason: str | None = None, second: int = 0) -> LedgerRow:
    status = 201 if state is RowState.IMPORTED else 422
    return LedgerRow(key, 1, 1, state, 1, status, reason, "r", None, None, None, AT + timedelta(seconds=second))


def event(kind: EventKind, detail: str = "", key: str | None = None) -> StoredEvent:
    return StoredEvent(AT, kind, detail, key, None, "owner")


STARTED = event(EventKind.RUN_STARTED, f"shop-1, pid 12, job file {'ab' * 32}")


def report_of(
    rows: Iterable[LedgerRow],
    events: Iterable[StoredEvent] = (STARTED,),
    *,
    subject: Subject = SUBJECT,
    pending: int = 0,
    pending_exact: bool = True,
    is_live: bool = False,
    verification: Verification | None = None,
) -> Report:
    timeline = TimelineSum(("imported", "failed", "in_doubt", FURTHER_ATTEMPTS))
    seen, total = EventsSum(timeline), RowsSum(timeline)
    for one in events:
        seen.add(one)
    for known in rows:
        total.add(known)
    tally = total.tally
    counts = Counts(
        imported=tally.rows[RowState.IMPORTED],
        failed=tally.rows[RowState.FAILED],
        in_doubt=tally.rows[RowState.IN_DOUBT],
        skipped=tally.rows[RowState.SKIPPED],
        pending=pending,
        claimed=0,
        pending_exact=pending_exact,
        ahead=0,
    )
    return Report(
        subject=subject,
        at=AT,
        penstock="0.1.0",
        counts=counts,
        tally=tally,
        chronicle=seen.chronicle,
        timeline=timeline.timeline(),
        generation=1,
        is_live=is_live,
        verification=verification,
    )


def miscounted(report: Report) -> Report:
    return replace(report, counts=replace(report.counts, imported=report.counts.imported + 1))

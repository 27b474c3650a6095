"""Several workers seen as one: their progress added up, their reports made into one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.engine.report import Progress, Summary, Tally
from penstock.engine.stop import Ended
from penstock.ledger.rows import Counts

# Of several workers: the end that a person must hear of.
_FIRST = (Ended.FAILED, Ended.STOP_AT, Ended.GAVE_UP, Ended.STOPPED, Ended.LIMIT, Ended.DONE)


def team_progress(latest: Sequence[Progress], counts: Counts) -> Progress:
    """latest: the last word of each worker. counts: the youngest look at the job's ledger."""
    return Progress(
        counts=counts,
        tally=team_tally([progress.tally for progress in latest]),
        rows_per_second=sum(progress.rows_per_second for progress in latest),
        elapsed=max(progress.elapsed for progress in latest),
        in_flight=sum(progress.in_flight for progress in latest),
        concurrency=sum(progress.concurrency for progress in latest),
        limited_by=next((progress.limited_by for progress in latest if progress.limited_by), ""),
        hold=next((progress.hold for progress in latest if progress.hold), ""),
        trouble=next((progress.trouble for progress in latest if progress.trouble), ""),
    )


def team_report(reports: Sequence[Summary], lost: Sequence[str], seconds: float) -> Summary:
    """reports: in the order in which the workers ended, at least one. lost: what became of those that did not report.

    What a lost worker had begun is taken over by the others; only if nobody was left to do so has the run stopped early.
    """
    last = reports[-1]
    first = min(reports, key=lambda report: _FIRST.index(report.ended))
    ended, detail = first.ended, first.detail
    if ended is Ended.DONE and lost and (last.counts.pending or not last.counts.pending_exact):
        ended, detail = Ended.STOPPED, "; ".join(dict.fromkeys(lost))
    return Summary(
        job=last.job,
        ended=ended,
        detail=detail,
        counts=last.counts,
        causes=last.causes,
        tally=team_tally([report.tally for report in reports]),
        seconds=seconds,
        doubts=last.doubts,
    )


def team_tally(tallies: Sequence[Tally]) -> Tally:
    return Tally(
        sent=sum(tally.sent for tally in tallies),
        attempts=sum(tally.attempts for tally in tallies),
        imported=sum(tally.imported for tally in tallies),
        probes=sum(tally.probes for tally in tallies),
        unasked=next((tally.unasked for tally in tallies if tally.unasked), ""),
    )

"""Where a live run stands: what the progress display shows, and nothing about how."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.engine.report import Progress
from penstock.insights.eta import Speedometer, seconds_left
from penstock.insights.totals import Totals, totals
from penstock.insights.words import duration, number, per_second, printable


@dataclass(frozen=True, slots=True)
class Standing:
    """now, overall: rows per second of the whole job, in the last minute and since this run began; None: too early to say.
    seconds_left: None where nothing can be said."""

    job: str
    totals: Totals
    failed: int
    in_doubt: int
    now: float | None
    overall: float | None
    seconds_left: float | None
    in_flight: int
    concurrency: int
    limited_by: str
    hold: str
    trouble: str = ""


class Follower:
    """Follows one job through a run."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._speedometer = Speedometer()
        self._done_before: int | None = None

    def look(self, progress: Progress) -> Standing:
        sums = totals(progress.counts)
        if self._done_before is None:
            self._done_before = sums.done
        self._speedometer.observe(progress.elapsed, sums.done)
        now = self._speedometer.rows_per_second
        since = max(0, sums.done - self._done_before)
        return Standing(
            job=self._job,
            totals=sums,
            failed=progress.counts.failed,
            in_doubt=progress.counts.in_doubt,
            now=now,
            overall=None if now is None else since / progress.elapsed,
            seconds_left=None if progress.hold or progress.limited_by == "pause" else seconds_left(sums, now),
            in_flight=progress.in_flight,
            concurrency=progress.concurrency,
            limited_by=progress.limited_by,
            hold=printable(progress.hold),
            trouble=printable(progress.trouble),
        )


def done_of_total(sums: Totals) -> str:
    """ "12,345 of ~200,000 (6 %)"; "12,345 done" while nobody has counted the rest."""
    if sums.planned is None or sums.share is None:
        return f"{number(sums.done)} done"
    about = "" if sums.exact else "~"
    return f"{number(sums.done)} of {about}{number(sums.planned)} ({sums.share:.0%})"


def one_line(standing: Standing) -> str:
    """All of it as one plain line."""
    parts = [f"{standing.job}: {done_of_total(standing.totals)}", *speeds(standing)]
    parts.append(f"{standing.in_flight} of {standing.concurrency} in flight")
    parts += [f"{number(standing.failed)} failed"] if standing.failed else []
    parts += [f"{number(standing.in_doubt)} in doubt"] if standing.in_doubt else []
    if standing.hold:
        parts.append(f"holding: {standing.hold}")
    elif standing.limited_by:
        parts.append(f"limited by {standing.limited_by}")
    parts += [standing.trouble] if standing.trouble else []
    return ", ".join(parts)


def speeds(standing: Standing) -> list[str]:
    """How fast, on the whole, and how long yet; what is not known is left out."""
    parts = [] if standing.now is None else [per_second(standing.now)]
    parts += [] if standing.overall is None else [f"{per_second(standing.overall)} overall"]
    parts += [f"{duration(standing.seconds_left)} left"] if standing.seconds_left else []
    return parts

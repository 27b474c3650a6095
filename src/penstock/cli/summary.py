"""What a run came to: a table of outcomes, the reasons grouped by cause, and what to do about each."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from penstock.engine.report import Summary
from penstock.engine.stop import Ended
from penstock.insights.advice import advise, advise_asking
from penstock.insights.keys import plain_key
from penstock.insights.totals import pending, totals
from penstock.insights.words import counted, duration, number, per_second, printable
from penstock.ledger.rows import Cause, Counts, DoubtsAhead

MOST_CAUSES = 20  # shown; `penstock status` and `rows` have the rest

# The report's detail, in brackets behind it, names the key of the job file that ended the run.
_ENDED = {
    Ended.DONE: "done",
    Ended.LIMIT: "did what was asked for",
    Ended.STOPPED: "stopped; the same command goes on",
    Ended.STOP_AT: "stopped early",
    Ended.GAVE_UP: "gave up waiting; the same command goes on",
    Ended.FAILED: "ended by an error",
}


def run_line(report: Summary) -> dict[str, object]:
    """The line of `run --json`."""
    counts, tally = report.counts, report.tally
    return {
        "job": report.job,
        "imported": counts.imported,
        "failed": counts.failed,
        "in_doubt": counts.in_doubt,
        "skipped": counts.skipped,
        "pending": pending(counts),
        "pending_exact": counts.pending_exact,
        "run": {
            "sent": tally.sent,
            "imported": tally.imported,
            "attempts": tally.attempts,
            "seconds": round(report.seconds, 3),
            "rows_per_second": round(_rows_per_second(report), 1),
        },
    }


def print_summary(report: Summary, file: str, console: Console) -> None:
    console.print(_headline(report))
    console.print(outcomes(report.counts), soft_wrap=False)
    print_causes(report.causes, file, console, doubts=report.doubts, unasked=report.tally.unasked)


def outcomes(counts: Counts) -> Table:
    """The job's totals, by state."""
    sums = totals(counts)
    left = "not counted yet" if sums.left is None else ("" if sums.exact else "~") + number(sums.left)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("imported", "failed", "in doubt", "skipped", "pending"):
        table.add_column(heading, justify="right")
    finals = (counts.imported, counts.failed, counts.in_doubt, counts.skipped)
    table.add_row(*map(number, finals), left)
    return table


def print_causes(
    causes: tuple[Cause, ...], file: str, console: Console, *, doubts: DoubtsAhead | None = None, unasked: str = ""
) -> None:
    """The most frequent reasons, each followed by what can be done about it. doubts: what asking the API may yet settle (None:
    it cannot be asked); unasked: why it could not be asked."""
    if not causes:
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("rows", justify="right")
    for heading in ("state", "reason", "for example"):
        table.add_column(heading, overflow="fold")
    shown = sorted(causes, key=lambda cause: -cause.rows)[:MOST_CAUSES]
    for cause in shown:
        state = cause.state.replace("_", " ")
        table.add_row(number(cause.rows), state, printable(cause.reason), printable(plain_key(cause.example)))
    console.print(table, soft_wrap=False)
    if len(causes) > len(shown):
        console.print(f"and {number(len(causes) - len(shown))} further reasons: penstock rows {file}")
    asking = None if doubts is None else advise_asking(doubts, unasked, file)
    for advice in (asking, *[advise(cause, file, has_probe=doubts is not None) for cause in shown]):
        if advice is not None and advice.then:
            console.print(f"- {advice}")


def _headline(report: Summary) -> str:
    tally = report.tally
    went_well = report.ended in (Ended.DONE, Ended.LIMIT)
    why = f" ({printable(report.detail)})" if report.detail and not went_well else ""
    probes = f" and {counted(tally.probes, 'probe')}" if tally.probes else ""
    return (
        f"{report.job}: {_ENDED[report.ended]}{why}. This run: {number(tally.imported)} imported, "
        f"{counted(tally.sent, 'row')} sent in {counted(tally.attempts, 'request')}{probes}, "
        f"{duration(report.seconds)}, {per_second(_rows_per_second(report))}"
    )


def _rows_per_second(report: Summary) -> float:
    """Rows imported by this run per second of it."""
    return report.tally.imported / report.seconds if report.seconds > 0 else 0.0

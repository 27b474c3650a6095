"""What a report calls things, for readers who have never seen a ledger. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from penstock.events import EventKind
from penstock.insights.report import Report
from penstock.insights.words import counted, number
from penstock.ledger.states import RowState

# In the order of the sum. name; what it means.
STATES = {
    RowState.IMPORTED: ("Imported", "accepted by the new system, which is on record"),
    RowState.FAILED: ("Failed", "refused or not to be mapped; nothing of them was stored"),
    RowState.IN_DOUBT: ("In doubt", "may have been stored; no answer proves it"),
    RowState.SKIPPED: ("Skipped", "not to be moved: marked before, left out by the mapping, or gone"),
    RowState.PENDING: ("Pending", "not delivered yet"),
}

HAPPENINGS = {
    EventKind.JOB_FILE_CHANGED: ("Job file changed", "mapping, target or delivery were another from then on"),
    EventKind.VERSIONS_DIFFER: ("Two versions of penstock", "that agree worked side by side"),
    EventKind.FURTHER_ATTEMPT: ("Further attempt", "a row was about to be sent again, which was safe to do"),
    EventKind.TAKE_OVER: ("Take-over", "a worker was gone, and another went on with its rows"),
    EventKind.LATE_ANSWER: ("Late answer", "it came after the rows had been taken over"),
    EventKind.SENT_TWICE: ("Sent twice", "an accepted row had gone out again: the new system may hold it twice"),
    EventKind.HOLD_STARTED: ("Hold", "the run waited for the API or a database"),
    EventKind.HOLD_ENDED: ("Hold ended", "and went on"),
    EventKind.JOURNAL_FAILED: ("Journal failed", "answers could not be kept on the worker's own disk"),
    EventKind.PROBED: ("API asked", "about a row in doubt"),
    EventKind.RETRIED: ("Put back", "by a person: failed or skipped rows, to be delivered again"),
    EventKind.RESOLVED: ("Settled by a person", "who knew what had become of a row in doubt"),
    EventKind.REOPENED: ("Reopened", "by verify: imported rows that had not arrived, to be delivered again"),
    EventKind.ADOPTED: ("Adopted", "by verify: rows that the new system had already"),
    EventKind.PAUSED: ("Paused", "by a person"),
    EventKind.RESUMED: ("Resumed", "by a person"),
    EventKind.LIMITS_SET: ("Limits set", "by a person: rate or concurrency"),
    EventKind.KEYS_RENEWED: ("Idempotency keys renewed", "by a person: the API no longer takes rows for repeats"),
}


_OWNER = re.compile(r"[0-9a-f-]{36}:[0-9]*:([0-9]+):[0-9]*:[0-9a-f]{16}")
_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


def standing(report: Report) -> str:
    """In one word, as the style sheet knows it: clean, findings, unfinished."""
    if not report.is_complete:
        return "unfinished"
    return "clean" if report.is_clean else "findings"


def headline(report: Report) -> str:
    match standing(report):
        case "clean":
            return "Complete"
        case "findings":
            return "Complete, with findings"
        case _:
            return "Under way" if report.is_live else "Not complete"


def verdict(report: Report) -> str:
    """The whole page in a sentence or two."""
    counts = report.counts
    if not report.rows_known:
        return "There was no row to move." if counts.pending_exact else "Nothing has been moved yet."
    if counts.imported == report.rows_known:
        moved = (
            f"All {number(counts.imported)} rows were imported." if counts.imported > 1 else "The one row was imported."
        )
    else:
        about = "about " if not report.counts.pending_exact else ""
        moved = f"{number(counts.imported)} of {about}{counted(report.rows_known, 'row')} were imported."
    rest = [
        f"{number(count)} {words}"
        for count, words in (
            (counts.failed, "failed"),
            (counts.in_doubt, "in doubt"),
            (counts.skipped, "skipped"),
            (report.pending, "pending"),
        )
        if count
    ]
    return f"{moved} {listed(rest)}." if rest else moved


def listed(parts: list[str]) -> str:
    """ "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def share(part: int, whole: int) -> str:
    """In percent; never 100 % of what is not all of it, nor 0 % of what is something."""
    if not whole:
        return "–"
    if part in (0, whole):
        return "100 %" if part else "0 %"
    percent = 100 * part / whole
    if percent > 99.9:
        return "> 99.9 %"
    return f"{percent:.1f} %" if percent >= 0.1 else "< 0.1 %"


def moment(at: datetime) -> str:
    """UTC, which stands at the head of the page."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def detail(text: str) -> str:
    """Of an event, without the names that only penstock itself reads: a worker is its pid, a hash its beginning."""
    return _HASH.sub(r"\1…", _OWNER.sub(r"pid \1", text))


def width(seconds: float) -> str:
    """Of a bucket: "0.5 s", "30 s", "5 min", "3 h", "7 days"."""
    for unit, length in (("day", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {unit}s" if unit == "day" and count > 1 else f"{count} {unit}"
    return f"{seconds:g} s"

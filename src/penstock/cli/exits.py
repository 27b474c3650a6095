"""Exit codes: the one place that knows which end of a command has which code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from penstock.engine.report import Summary
from penstock.engine.stop import Ended
from penstock.errors import PenstockError, Unreachable
from penstock.insights.check import CheckReport, Grade


class ExitCode(IntEnum):
    WELL = 0  # all well
    FINDINGS = 1  # done, with findings: failed or in-doubt rows, differences, sample rows that do not map
    PERSON = 2  # a person must change something first: usage, job file, rights, no ledger yet
    LATER = 3  # unreachable or stopped early: the same command may go on later


# What a script must hear of first, where several jobs ended differently.
_FIRST = (ExitCode.PERSON, ExitCode.LATER, ExitCode.FINDINGS, ExitCode.WELL)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Of several jobs: the first of 2, 3, 1, 0 that occurred."""
    return min(codes, key=_FIRST.index, default=ExitCode.WELL)


def after_error(error: PenstockError) -> ExitCode:
    return ExitCode.LATER if isinstance(error, Unreachable) else ExitCode.PERSON


def after_run(report: Summary) -> ExitCode:
    if report.ended not in (Ended.DONE, Ended.LIMIT) or (report.ended is Ended.DONE and report.counts.pending):
        return ExitCode.LATER
    return ExitCode.FINDINGS if report.counts.failed or report.counts.in_doubt else ExitCode.WELL


def after_check(report: CheckReport) -> ExitCode:
    if report.has(Grade.PROBLEM):
        return ExitCode.PERSON
    if report.has(Grade.UNREACHABLE):
        return ExitCode.LATER
    return ExitCode.WELL if report.maps else ExitCode.FINDINGS

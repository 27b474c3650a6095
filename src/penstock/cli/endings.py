"""Which exit code the end of a run or of a check has."""

from __future__ import annotations

from penstock.cli.exits import ExitCode
from penstock.engine.report import Summary
from penstock.engine.stop import Ended
from penstock.insights.check import CheckReport, Grade


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

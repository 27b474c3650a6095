"""`penstock check`: looks at everything a run needs, and sends nothing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from penstock import wiring
from penstock.cli.arguments import JobFiles, Json
from penstock.cli.endings import after_check
from penstock.cli.exits import ExitCode, worst
from penstock.cli.failures import complain
from penstock.cli.jobs import load_jobs
from penstock.cli.loop import run_async
from penstock.cli.show import request_document
from penstock.cli.streams import emit, people
from penstock.errors import PenstockError
from penstock.insights.check import CheckReport, Finding, Grade, Sample
from penstock.insights.keys import json_key, plain_key
from penstock.insights.requests import curl
from penstock.insights.words import printable

_STYLES = {Grade.OK: "green", Grade.WARNING: "yellow", Grade.PROBLEM: "red", Grade.UNREACHABLE: "red"}
_WIDEST = max(len(grade) for grade in Grade)


def check(
    files: JobFiles,
    deep: Annotated[bool, typer.Option("--deep", help="Prove by a scan that the key is unique and not null.")] = False,
    as_json: Json = False,
) -> int:
    """Look at everything a run needs: source, key, index, flag, rights, ledger, target; sends nothing.

    Maps the first rows and shows the exact requests.

    Example:
      penstock check orders.yaml
      penstock check *.yaml --deep --json

    Exit codes:
      0  ready
      1  ready, but some of the first rows do not map
      2  a person must change something first
      3  source, ledger or target is unreachable
    """
    codes: list[ExitCode] = []
    console = people()
    for named in load_jobs(files):
        try:
            report = run_async(wiring.check_job(named.job, file=named.file, deep=deep))
        except PenstockError as error:
            codes.append(complain(error, named.file, is_one_of_several=len(files) > 1))
            continue
        if as_json:
            emit(_document(report))
        else:
            broker = "" if named.job.delivery.notices is None else " --broker amqp://..."
            _print(report, f"penstock run {named.file}{broker}", console)
        codes.append(after_check(report))
    return worst(codes)


def _document(report: CheckReport) -> dict[str, object]:
    return {
        "job": report.job,
        "findings": [
            {
                "subject": finding.subject,
                "grade": finding.grade,
                "text": finding.text,
                "way_out": finding.way_out or None,
            }
            for finding in report.findings
        ],
        "samples": [
            {
                "key": json_key(sample.key),
                "request": sample.request and request_document(sample.request),
                "error": sample.error or None,
                **({"probe": request_document(sample.probe)} if sample.probe else {}),
            }
            for sample in report.samples
        ],
    }


def _print(report: CheckReport, run: str, console: Console) -> None:
    """run: the line to type next."""
    console.print(report.job, style="bold")
    for finding in report.findings:
        console.print(_line(finding))
    whole: list[str] = []
    for sample in report.samples:
        lines = [] if sample.request is None else [printable(line) for line in curl(sample.request).splitlines()]
        _print_sample(sample, lines, whole, console)
        whole = whole or lines
        if sample.probe is not None:
            asked = [printable(line) for line in curl(sample.probe).splitlines()]
            console.print(
                "\n  ".join([f"were row {printable(plain_key(sample.key))} in doubt, the API would be asked:", *asked])
            )
    verdicts = {
        ExitCode.WELL: f"ready: {run}",
        ExitCode.FINDINGS: f"ready, but not every row maps: those would fail, the others go: {run}",
        ExitCode.PERSON: "not ready: the problems above come first",
        ExitCode.LATER: "not ready: something does not answer; try again later",
    }
    console.print(f"{report.job}: {verdicts[after_check(report)]}")


def _line(finding: Finding) -> Text:
    line = Text()
    line.append(f"  {finding.grade:<{_WIDEST}}  ", style=_STYLES[finding.grade])
    line.append(f"{finding.subject}: {printable(finding.text)}")
    line.append(f"; {printable(finding.way_out)}" if finding.way_out else "")
    return line


def _print_sample(sample: Sample, lines: list[str], whole: list[str], console: Console) -> None:
    """lines: of its request. whole: of the first request that was shown; of later ones only what differs is."""
    key = printable(plain_key(sample.key))
    if sample.error:
        console.print(Text(f"row {key} does not map: {printable(sample.error)}", style=_STYLES[Grade.WARNING]))
    elif sample.request is None:
        console.print(f"row {key}: skipped by the mapping")
    elif not whole:
        console.print("\n  ".join([f"row {key} would be sent as:", *lines]))
    else:
        differing = [line for line in lines if line not in whole]
        console.print("\n  ".join([f"row {key} the same way, but for:", *differing]))

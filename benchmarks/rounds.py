"""Runs the cases in turn, a few times over: whatever else the machine does is felt by all alike. The medians are kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.api import Api
from benchmarks.cases import Case
from benchmarks.figures import CommandFailed, Figures, Sample, figures, watch
from benchmarks.missing import Missing
from benchmarks.peer import Peer
from benchmarks.shop import Shop, copied
from benchmarks.task import Task


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def installed(cases: Sequence[Case]) -> list[Case]:
    """Those whose peers are, or could be, installed. For each part of which something is missing, a line says what."""
    found: list[Case] = []
    missing: set[str] = set()
    for case in cases:
        if case.part not in missing:
            try:
                case.peer.install()
            except Missing as reason:
                say(f"{case.part} is left out: {reason}")
                missing.add(case.part)
            else:
                found.append(case)
    return found


def measure(cases: Sequence[Case], *, template: Shop, api: Api, rounds: int) -> Mapping[Case, Figures]:
    """A case that fails is left out of the rest, and of what is returned."""
    found: dict[Case, list[Figures]] = {case: [] for case in cases}
    for number in range(1, rounds + 1):
        one_row: dict[Peer, Sample] = {}
        for case in list(found):
            try:
                if case.peer not in one_row:
                    one_row[case.peer] = run_once(case, template, 1, api)
                rows = case.rows(template.rows)
                run = figures(one_row[case.peer], run_once(case, template, rows, api), rows)
            except CommandFailed as reason:
                say(f"{case.title}, {case.delay} ms: left out, it {reason}")
                del found[case]
                continue
            found[case].append(run)
            say(
                f"round {number}/{rounds}: {case.title}, {case.delay} ms, {case.in_flight} in flight:"
                f" {run.rows_per_second:,.0f} rows/s, {run.client_cpu:.3f} CPU-s/10k"
            )
    return {case: medians(runs) for case, runs in found.items()}


def run_once(case: Case, template: Shop, rows: int, api: Api) -> Sample:
    """How it ended. Raises CommandFailed also where not each row was posted once and flagged."""
    with TemporaryDirectory() as folder, copied(template, rows) as shop:
        task = Task(
            folder=Path(folder),
            database=shop.url(),
            api=api.url(case.delay, tls=case.tls),
            rows=rows,
            in_flight=case.in_flight,
            certificate=api.certificate if case.tls else None,
        )
        case.peer.get_ready(task)
        end = watch(
            case.peer.command(task),
            folder=task.folder,
            api=api,
            database_process=template.server.process() if case.peer.reads else None,
        )[-1]
        if end.posts != rows:
            raise CommandFailed(f"posted {end.posts:,} times for {rows:,} rows")
        if case.peer.flags and (flagged := shop.flagged()) != rows:
            raise CommandFailed(f"flagged {flagged:,} of {rows:,} rows")
    return end


def medians(runs: Sequence[Figures]) -> Figures:
    seen = [run.database_cpu for run in runs if run.database_cpu is not None]
    return Figures(
        rows_per_second=median(run.rows_per_second for run in runs),
        client_cpu=median(run.client_cpu for run in runs),
        api_cpu=median(run.api_cpu for run in runs),
        database_cpu=median(seen) if seen else None,
        megabytes=median(run.megabytes for run in runs),
        one_row=median(run.one_row for run in runs),
        api_busy=median(run.api_busy for run in runs),
    )

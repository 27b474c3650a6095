"""`penstock run`: delivers until nothing is pending."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from penstock.cli.arguments import JobFiles, Json, Keys, parsed_by, whole_number
from penstock.cli.endings import after_run
from penstock.cli.exits import ExitCode, worst
from penstock.cli.failures import complain
from penstock.cli.interruption import Interruption
from penstock.cli.jobs import NamedJob, load_jobs
from penstock.cli.lookup import keys_of
from penstock.cli.loop import run_async
from penstock.cli.progress import Show, display
from penstock.cli.streams import emit, people
from penstock.cli.summary import print_summary, run_line
from penstock.cli.supervisor import Supervisor
from penstock.cli.worker import work
from penstock.engine.report import RunOptions, Summary
from penstock.engine.stop import Ended, Stop
from penstock.errors import PenstockError
from penstock.spec.units import parse_duration, parse_rate
from penstock.wiring import run_job


def _time_to_run(value: object) -> float:
    """Seconds. Raises ValueError."""
    seconds = parse_duration(value)
    if seconds == 0:
        raise ValueError(f"{value!r} leaves no time to run; write a duration like 30m, 6h")
    return seconds


def run(
    files: JobFiles,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", parser=whole_number(1), help="Deliver at most N rows.", show_default=False
        ),
    ] = None,
    keys: Keys = None,
    processes: Annotated[
        int,
        typer.Option(
            "--processes", metavar="N", parser=whole_number(1, 256), help="Work with N processes on this machine."
        ),
    ] = 1,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="R",
            parser=parsed_by(parse_rate),
            help="At most so many requests, like 200/s, by this command; the job's own rate holds besides.",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--for",
            metavar="TIME",
            parser=parsed_by(_time_to_run),
            help="Stop softly after so long, like 6h.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    as_worker: Annotated[bool, typer.Option("--as-worker", hidden=True)] = False,
) -> int:
    """Deliver until nothing is pending; again after any stop.

    Runs on as many machines at once as one likes. Several files run one after
    another. Never creates a ledger or a column: that is `penstock prepare`.
    --limit and --key are one process's work and do not go with --processes.

    Example:
      penstock run orders.yaml
      penstock run orders.yaml --processes 4 --rate 200/s --for 6h
      penstock run orders.yaml --key 1042 --json

    Ctrl-C once: what is on the wire finishes and is written down.
    Ctrl-C twice: exit at once, still safe.

    Exit codes:
      0  every row imported or skipped
      1  done, with failed or in-doubt rows
      2  a person must change something first
      3  unreachable or stopped early: run it again
    """
    if processes > 1 and (limit is not None or keys):
        raise typer.BadParameter("--limit and --key are one process's work; leave --processes out")
    jobs = load_jobs(files)
    options = RunOptions(limit=limit, rate=rate, seconds=seconds)
    if as_worker:
        return run_async(work(jobs[0], options))
    return run_async(_Command(options, tuple(keys or ()), processes, as_json).run_all(jobs))


class _Command:
    """One command line, for one job after another."""

    def __init__(self, options: RunOptions, keys: Sequence[str], processes: int, as_json: bool) -> None:
        self._options = options
        self._keys = keys
        self._processes = processes
        self._as_json = as_json
        self._console = people()
        self._interruption = Interruption(self._console)
        self._ends_at = None if options.seconds is None else time.monotonic() + options.seconds

    async def run_all(self, jobs: Sequence[NamedJob]) -> ExitCode:
        codes: list[ExitCode] = []
        for named in jobs:
            if self._interruption.came or self._seconds_left() == 0.0:
                codes.append(ExitCode.LATER)
                continue
            try:
                codes.append(await self._run_one(named))
            except PenstockError as error:
                codes.append(complain(error, named.file, is_one_of_several=len(jobs) > 1))
        return worst(codes)

    async def _run_one(self, named: NamedJob) -> ExitCode:
        with display(named.job.name, self._console) as show:
            report = await (self._in_processes(named, show) if self._processes > 1 else self._here(named, show))
        print_summary(report, named.file, self._console)
        if self._as_json:
            emit(run_line(report))
        return after_run(report)

    async def _here(self, named: NamedJob, show: Show) -> Summary:
        stop = Stop()
        with self._interruption.asks(lambda: stop.drain(Ended.STOPPED, "asked to stop")):
            keys = await keys_of(named.job, self._keys)
            options = replace(self._options, keys=keys, seconds=self._seconds_left())
            return await run_job(named.job, options, stop, show=show)

    async def _in_processes(self, named: NamedJob, show: Show) -> Summary:
        options = replace(self._options, seconds=self._seconds_left())
        arguments = worker_arguments(named.file, options, self._processes)
        return await Supervisor(self._console, show).run(arguments, self._processes, self._interruption)

    def _seconds_left(self) -> float | None:
        """`--for` is the time of the whole command."""
        return None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())


def worker_arguments(file: str, options: RunOptions, processes: int) -> list[str]:
    """The command line of each of several worker processes, after `penstock`: its part of the rate, all of the time."""
    arguments = ["run", file]
    if options.rate is not None:
        arguments += ["--rate", f"{options.rate / processes * 3600:.3f}/h"]
    if options.seconds is not None:
        arguments += ["--for", f"{options.seconds:.3f}s"]
    return arguments

"""What `penstock run` does with its jobs: one after another, each here or in processes of their own, shown to people."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from penstock.cli.endings import after_run
from penstock.cli.exits import ExitCode, worst
from penstock.cli.failures import complain
from penstock.cli.interruption import Interruption
from penstock.cli.jobs import NamedJob
from penstock.cli.loading import loaded_for_good
from penstock.cli.lookup import keys_of
from penstock.cli.progress import Show, display
from penstock.cli.streams import emit, people
from penstock.cli.summary import print_summary, run_line
from penstock.engine.report import RunOptions, Summary
from penstock.engine.stop import Ended, Stop
from penstock.errors import PenstockError


class Delivering:
    """One command line, for one job after another."""

    def __init__(
        self, options: RunOptions, keys: Sequence[str], processes: int, broker: str | None, as_json: bool
    ) -> None:
        self._options = options
        self._keys = keys
        self._processes = processes
        self._broker = broker
        self._as_json = as_json
        self._console = people()
        self._interruption = Interruption(lambda: self._console)
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
        with loaded_for_good():
            from penstock.wiring.broker import opened_broker  # noqa: PLC0415  # whoever lets others work needs no databases
            from penstock.wiring.running import run_job  # noqa: PLC0415
        stop = Stop()
        with self._interruption.asks(lambda: stop.drain(Ended.STOPPED, "asked to stop")):
            keys = await keys_of(named.job, self._keys)
            options = replace(self._options, keys=keys, seconds=self._seconds_left())
            open_broker = None if self._broker is None else partial(opened_broker, self._broker, named.job)
            return await run_job(named.job, options, stop, show=show, open_broker=open_broker)

    async def _in_processes(self, named: NamedJob, show: Show) -> Summary:
        from penstock.cli.supervisor import Supervisor  # noqa: PLC0415  # whoever works himself has none to look after

        options = replace(self._options, seconds=self._seconds_left())
        arguments = worker_arguments(named.file, options, self._processes)
        # Not in their command lines, which every user of the machine can read.
        environment = {} if self._broker is None else {"PENSTOCK_BROKER": self._broker}
        supervisor = Supervisor(self._console, show, environment)
        return await supervisor.run(arguments, self._processes, self._interruption)

    def _seconds_left(self) -> float | None:
        """`--for` is the time of the whole command."""
        return None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())


def worker_arguments(file: str, options: RunOptions, processes: int) -> list[str]:
    """The command line of each of several worker processes, after `penstock`: its part of the rate, all of the time."""
    arguments = ["run", file]
    if options.rate is not None:
        arguments += ["--rate", f"{options.rate / processes * 3600:.3f}/h"]
    if options.seconds is not None:
        arguments += ["--for", f"{max(options.seconds, 0.001):.3f}s"]  # none is refused
    return arguments

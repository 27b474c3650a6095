"""`penstock work`: a worker for as long as the machine is up, of whatever jobs a broker has work of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

import typer
from rich.console import Console

from penstock import wiring
from penstock.cli.arguments import Broker, JobFiles, Json, RateAtMost, TimeToRun
from penstock.cli.exits import ExitCode, worst
from penstock.cli.failures import complain
from penstock.cli.interruption import Interruption
from penstock.cli.jobs import NamedJob, load_jobs
from penstock.cli.loop import run_async
from penstock.cli.progress import PlainLines, Show
from penstock.cli.streams import emit, people
from penstock.cli.summary import print_summary, run_line
from penstock.engine.report import RunOptions
from penstock.engine.stop import Ended, Stop
from penstock.errors import PenstockError
from penstock.spec.loader import load


def work(
    files: JobFiles,
    broker: Broker = None,
    rate: RateAtMost = None,
    seconds: TimeToRun = None,
    as_json: Json = False,
) -> int:
    """Help runs on any machine: wait for work that a broker hands out, and do it.

    `penstock run FILE --broker URL` begins a job; every `penstock work` of that
    job takes part until it is done, and waits for the next run. It may be
    started and stopped at any time. While it waits it holds no connection to a
    database; the job's file is read anew whenever work begins.

    Example:
      penstock work orders.yaml customers.yaml --broker amqp://penstock:secret@queue.example/
      PENSTOCK_BROKER=amqps://queue.example/shop penstock work orders.yaml

    Ctrl-C or SIGTERM once: what is on the wire finishes and is written down;
    what was begun is given back. Twice: exit at once, still safe.

    Exit codes:
      2  a person must change something first
      3  stopped: start it again at any time
    """
    if broker is None:
        raise typer.BadParameter(
            "work is handed out by a broker: give --broker amqp://..., or set PENSTOCK_BROKER; without one: penstock run"
        )
    return run_async(_Working(broker, RunOptions(rate=rate), as_json).work_on(load_jobs(files), seconds))


class _Working:
    def __init__(self, broker: str, options: RunOptions, as_json: bool) -> None:
        self._broker = broker
        self._options = options
        self._as_json = as_json
        self._console = people()

    async def work_on(self, jobs: Sequence[NamedJob], seconds: float | None) -> ExitCode:
        """Side by side; what a person must mend for one job ends the work on that one alone."""
        stops = [Stop() for _ in jobs]

        def drain(why: str) -> None:
            for stop in stops:
                stop.drain(Ended.STOPPED, why)

        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, drain, "the time given to this command is over")
        with Interruption(lambda: self._console).asks(partial(drain, "asked to stop")):
            several = len(jobs) > 1
            codes = [self._work(named, stop, several) for named, stop in zip(jobs, stops, strict=True)]
            return worst(await asyncio.gather(*codes))

    async def _work(self, named: NamedJob, stop: Stop, is_one_of_several: bool) -> ExitCode:
        waiting = f"{named.job.name}: waiting for work"
        self._console.print(waiting)
        stretches = wiring.work_for(
            partial(load, Path(named.file)),
            self._broker,
            self._options,
            stop,
            begin=partial(_begin, self._console),
            tell=lambda trouble: self._console.print(f"{named.job.name}: {trouble}"),
        )
        try:
            async with aclosing(stretches) as summaries:
                async for summary in summaries:
                    print_summary(summary, named.file, self._console)
                    if self._as_json:
                        emit(run_line(summary))
                    if not stop.is_asked:
                        self._console.print(waiting)
        except PenstockError as error:
            return complain(error, named.file, is_one_of_several=is_one_of_several)
        return ExitCode.LATER


def _begin(console: Console, job: str) -> Show:
    console.print(f"{job}: at work")
    return PlainLines(job, console).show

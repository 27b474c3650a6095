"""`run --processes N`: starts N worker processes and speaks for them.

Each worker is `penstock run FILE --as-worker` in a session of its own, so that a Ctrl-C reaches this process alone. Its stdin is
a pipe that nothing is written to: when it closes, because this process says so or because it is gone, the worker drains.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from rich.console import Console

from penstock.cli.exits import ExitCode
from penstock.cli.interruption import Interruption
from penstock.cli.messages import LONGEST_LINE, Broken, Finished, Underway, decode
from penstock.cli.progress import Show
from penstock.cli.team import team_progress, team_report
from penstock.engine.report import Progress, Summary
from penstock.engine.stop import Ended
from penstock.errors import JobError, PenstockError, Unreachable


@dataclass(frozen=True, slots=True)
class _Worker:
    number: int  # from 1, for people
    process: asyncio.subprocess.Process
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader


class Supervisor:
    """environment: variables of the workers, besides those of this process."""

    def __init__(self, console: Console, show: Show, environment: Mapping[str, str]) -> None:
        self._console = console
        self._show = show
        self._environment = environment
        self._workers: list[_Worker] = []
        self._latest: dict[int, Progress] = {}
        self._reports: list[Summary] = []
        self._broken: list[Broken] = []
        self._lost: list[str] = []
        self._is_draining = False

    async def run(self, arguments: Sequence[str], processes: int, interruption: Interruption) -> Summary:
        """arguments: of each worker's command line, after `penstock`. Raises the workers' error if none came to a report."""
        began = time.monotonic()
        with interruption.asks(self.drain, self._kill):
            try:
                for number in range(1, processes + 1):
                    worker = await _start(number, arguments, self._environment)
                    self._workers.append(worker)
                    if self._is_draining:  # asked to while it was being started
                        worker.stdin.close()
                        break
                await asyncio.gather(*map(self._follow, self._workers))
            except BaseException:
                self._kill()
                raise
        if not self._reports:
            raise self._error()
        return team_report(self._reports, self._lost, time.monotonic() - began)

    def drain(self) -> None:
        """Ask every worker to finish what it has on the wire, and end; no more are started."""
        self._is_draining = True
        for worker in self._workers:
            worker.stdin.close()

    async def _follow(self, worker: _Worker) -> None:
        """Listen to one worker to its end; whatever end that is, the others go on."""
        has_reported, _ = await asyncio.gather(self._listen(worker), self._pass_on(worker))
        code = await worker.process.wait()
        self._latest.pop(worker.number, None)
        if not has_reported:
            end = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            self._lose(f"worker {worker.number} ended unexpectedly ({end}); its rows are taken over")

    async def _listen(self, worker: _Worker) -> bool:
        """Returns whether the worker came to a report or told its error."""
        async for line in worker.stdout:
            match decode(line):
                case Underway(progress):
                    self._latest[worker.number] = progress
                    self._show(team_progress(list(self._latest.values()), progress.counts))
                case Finished(report):
                    self._reports.append(report)
                    if report.ended is Ended.STOP_AT:
                        self.drain()  # what is too much for one worker is too much for the job
                    return True
                case Broken() as broken:
                    self._broken.append(broken)
                    self._lose(broken.text)
                    return True
                case other:
                    assert_never(other)
        return False

    async def _pass_on(self, worker: _Worker) -> None:
        """A worker prints nothing for people but what nobody foresaw."""
        async for line in worker.stderr:
            self._console.print(f"worker {worker.number}: {line.decode('utf-8', 'replace').rstrip()}")

    def _lose(self, why: str) -> None:
        if why not in self._lost:
            self._lost.append(why)
            self._console.print(why)

    def _kill(self) -> None:
        for worker in self._workers:
            if worker.process.returncode is None:
                worker.process.kill()

    def _error(self) -> PenstockError:
        """All have told it already: the exit code is what is left to say."""
        if any(broken.code == ExitCode.PERSON for broken in self._broken):
            return JobError("no worker could run; see above")
        return Unreachable("no worker came to an end of its own; the same command goes on")


async def _start(number: int, arguments: Sequence[str], environment: Mapping[str, str]) -> _Worker:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a file named like a module in the current folder is not ours
        "-m",
        "penstock",
        *arguments,
        "--as-worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        start_new_session=True,
        env={**os.environ, **environment},
    )
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("a worker came without the pipes that were asked for")
    return _Worker(number, process, process.stdin, process.stdout, process.stderr)

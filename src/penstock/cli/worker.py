"""`run --as-worker`: one of the processes of `run --processes`. Tells its progress on stdout and drains when stdin closes."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from penstock.cli.endings import after_run
from penstock.cli.exits import ExitCode, after_error
from penstock.cli.failures import in_words
from penstock.cli.interruption import Interruption
from penstock.cli.jobs import NamedJob
from penstock.cli.messages import Broken, Finished, Underway, encode
from penstock.cli.streams import emit_text, people
from penstock.engine.report import RunOptions
from penstock.engine.stop import Ended, Stop
from penstock.errors import PenstockError
from penstock.wiring import opened_broker, run_job


async def work(named: NamedJob, options: RunOptions, broker: str | None) -> ExitCode:
    stop = Stop()
    open_broker = None if broker is None else partial(opened_broker, broker, named.job)

    def drain() -> None:
        stop.drain(Ended.STOPPED, "asked to stop")

    with Interruption(people).asks(drain), _while_stdin_is_open(drain):
        try:
            report = await run_job(
                named.job,
                options,
                stop,
                show=lambda progress: _tell(encode(Underway(progress))),
                open_broker=open_broker,
            )
        except PenstockError as error:
            code = after_error(error)
            _tell(encode(Broken(in_words(error, named.file), code)))
            return code
    _tell(encode(Finished(report)))
    return after_run(report)


def _tell(line: str) -> None:
    # If nobody listens any more, stdin has closed as well.
    emit_text(line)


@contextmanager
def _while_stdin_is_open(drain: Callable[[], None]) -> Iterator[None]:
    """The pipe closes when the process that started this one says so, or is gone."""
    loop = asyncio.get_running_loop()
    stdin = sys.stdin.fileno()

    def on_readable() -> None:
        if not os.read(stdin, 1024):
            loop.remove_reader(stdin)
            drain()

    loop.add_reader(stdin, on_readable)
    try:
        yield
    finally:
        loop.remove_reader(stdin)

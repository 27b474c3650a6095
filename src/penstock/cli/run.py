"""`penstock run`: delivers until nothing is pending."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock.cli.arguments import Broker, JobFiles, Json, Keys, RateAtMost, TimeToRun, whole_number
from penstock.cli.jobs import load_jobs
from penstock.cli.loading import loaded_for_good
from penstock.cli.loop import run_async
from penstock.engine.report import RunOptions


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
    rate: RateAtMost = None,
    seconds: TimeToRun = None,
    broker: Broker = None,
    as_json: Json = False,
    as_worker: Annotated[bool, typer.Option("--as-worker", hidden=True)] = False,
) -> int:
    """Deliver until nothing is pending; again after any stop.

    Runs on as many machines at once as one likes. Several files run one after
    another. Never creates a ledger or a column: that is `penstock prepare`.
    --limit and --key are one process's work and do not go with --processes.
    With --broker the ranges are handed out by RabbitMQ, to this command and to
    every `penstock work` of the job.

    Example:
      penstock run orders.yaml
      penstock run orders.yaml --processes 4 --rate 200/s --for 6h
      penstock run orders.yaml --key 1042 --json
      penstock run orders.yaml --broker amqp://penstock:secret@queue.example/

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
        with loaded_for_good():
            from penstock.cli.worker import work  # noqa: PLC0415  # one of many, and nobody to draw for
        return run_async(work(jobs[0], options, broker))
    with loaded_for_good():
        from penstock.cli.delivering import Delivering  # noqa: PLC0415  # the rest, for whoever is not a worker
    return run_async(Delivering(options, tuple(keys or ()), processes, broker, as_json).run_all(jobs))

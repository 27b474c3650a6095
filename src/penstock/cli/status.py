"""`penstock status`: counts, rates, what is left, workers, holds and why."""

from __future__ import annotations

from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from penstock import wiring
from penstock.cli.arguments import Broker, JobFile, Json
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import NamedJob, load_jobs
from penstock.cli.loop import run_async
from penstock.cli.standing import done_of_total
from penstock.cli.streams import emit, people
from penstock.cli.summary import outcomes, print_causes
from penstock.insights.keys import json_key
from penstock.insights.overview import Overview, look
from penstock.insights.totals import unclaimed
from penstock.insights.words import counted, duration, number, per_second, printable
from penstock.ledger.rows import Cause, DoubtsAhead
from penstock.ledger.workers import Worker
from penstock.wiring.broker import Queue


@about_its_file
def status(file: JobFile, broker: Broker = None, as_json: Json = False) -> int:
    """Show how far a job is: counts, rates, time left, workers, holds and reasons.

    Reads the ledger only; works while the job runs and after it. With --broker
    also how many messages wait there, and how many were put aside.

    Example:
      penstock status orders.yaml
      penstock status orders.yaml --json | jq .pending

    Exit codes:
      0  whatever it shows
      2  a person must change something first
      3  the ledger is unreachable
    """
    [named] = load_jobs([file])
    overview, doubts, queue = run_async(_look(named, broker))
    if as_json:
        emit(_document(overview, queue))
    else:
        _print(overview, doubts, named.file, people())
        if queue is not None:
            people().print(_in_words(queue, named.file))
    return ExitCode.WELL


async def _look(named: NamedJob, broker: str | None) -> tuple[Overview, DoubtsAhead | None, Queue | None]:
    async with wiring.open_read_model(named.job) as model:
        overview = await look(named.job.name, model)
        queue = await wiring.look_at_queue(broker, named.job, model)
        return overview, await wiring.doubts_ahead(named.job, model), queue


def _document(overview: Overview, queue: Queue | None) -> dict[str, object]:
    counts, control = overview.counts, overview.control
    return {
        "job": overview.job,
        "imported": counts.imported,
        "failed": counts.failed,
        "in_doubt": counts.in_doubt,
        "skipped": counts.skipped,
        "pending": unclaimed(counts),
        "pending_exact": counts.pending_exact,
        "claimed": counts.claimed,
        "rows_per_second": round(overview.rows_per_second, 1),
        "seconds_left": overview.seconds_left,
        "paused": control.paused,
        "rate": control.rate,
        "concurrency": control.concurrency,
        "holds": overview.holds,
        "workers": [_worker(worker) for worker in overview.workers],
        "causes": [cause_document(cause) for cause in overview.causes],
        "broker": None if queue is None else asdict(queue),
    }


def _worker(worker: Worker) -> dict[str, object]:
    return {
        "host": worker.host,
        "pid": worker.pid,
        "version": worker.version,
        "alive": worker.alive,
        "started_at": worker.started_at,
        "seen_at": worker.seen_at,
        "seconds_silent": round(worker.silent_for, 1),
        "ranges": worker.ranges,
        "in_flight": worker.pulse.in_flight,
        "concurrency": worker.pulse.concurrency,
        "rows_per_second": round(worker.pulse.rows_per_second, 1),
        "limited_by": worker.pulse.limited_by,
        "hold": worker.pulse.hold,
    }


def cause_document(cause: Cause) -> dict[str, object]:
    return {
        "state": cause.state,
        "status": cause.status,
        "reason": cause.reason,
        "rows": cause.rows,
        "example": json_key(cause.example),
    }


def _print(overview: Overview, doubts: DoubtsAhead | None, file: str, console: Console) -> None:
    parts = [f"{overview.job}: {done_of_total(overview.totals)}"]
    if overview.live:
        parts.append(per_second(overview.rows_per_second))
        parts += [f"{duration(overview.seconds_left)} left"] if overview.seconds_left else []
    else:
        parts.append("no worker is running")
    console.print(", ".join(parts))
    for steering in _steering(overview, file):
        console.print(steering)
    console.print(outcomes(overview.counts), soft_wrap=False)
    if overview.workers:
        console.print(_workers(overview), soft_wrap=False)
    print_causes(overview.causes, file, console, doubts=doubts)


def _in_words(queue: Queue, file: str) -> str:
    if queue.trouble:
        return f"broker queue {queue.name}: {queue.trouble}"
    if queue.waiting is None or queue.put_aside is None:
        return f"broker queue {queue.name}"
    line = f"broker queue {queue.name}: {counted(queue.waiting, 'message')} waiting"
    if not queue.put_aside:
        return line
    return f"{line}, {number(queue.put_aside)} put aside; penstock retry {file} --broker URL has them handed out again"


def _steering(overview: Overview, file: str) -> list[str]:
    """What a person has set, and why workers wait."""
    control = overview.control
    lines = [f"paused; penstock resume {file} goes on"] if control.paused else []
    lines += [f"rate set to {per_second(control.rate)}"] if control.rate is not None else []
    lines += [f"concurrency set to {control.concurrency}"] if control.concurrency is not None else []
    return lines + [f"holding: {printable(hold)}" for hold in overview.holds]


def _workers(overview: Overview) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("worker", "penstock", "since"):
        table.add_column(heading)
    for heading in ("ranges", "in flight", "rows/s", "limited by", "heard"):
        table.add_column(heading, justify="right")
    for worker in overview.workers:
        table.add_row(
            f"{printable(worker.host)} pid {worker.pid}",
            worker.version,
            f"{worker.started_at:%Y-%m-%d %H:%M:%S}",
            number(worker.ranges),
            *_at_work(worker),
            f"{duration(worker.silent_for)} ago",
        )
    return table


def _at_work(worker: Worker) -> tuple[str, str, str]:
    """In flight, rows a second, what limits it: nobody knows these of one that is gone."""
    pulse = worker.pulse
    if not worker.alive:
        return "gone", "", ""
    flight = f"{pulse.in_flight} of {pulse.concurrency}"
    return flight, number(round(pulse.rows_per_second)), "hold" if pulse.hold else pulse.limited_by

"""`penstock pause`, `resume` and `set`: steer a live run from any terminal, through the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from penstock import wiring
from penstock.cli.arguments import JobFile, Json
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import NamedJob, load_jobs
from penstock.cli.loop import run_async
from penstock.cli.streams import emit, people
from penstock.insights.words import counted, number, per_second
from penstock.ledger.workers import Concurrency, Control
from penstock.spec.units import parse_rate

BACK = "default"
AUTO: Final = "auto"


@about_its_file
def pause(file: JobFile, as_json: Json = False) -> int:
    """Pause a live run: what is on the wire finishes, nothing new goes out.

    Workers keep running and hear of it with their next heartbeat; runs that
    start later wait as well.

    Example:
      penstock pause orders.yaml

    Exit codes:
      0  paused
      2  a person must change something first
      3  the ledger is unreachable
    """
    [named] = load_jobs([file])
    control = run_async(_pause(named))
    _tell(named, control, f"paused{_for_workers(control)}; penstock resume {file} goes on", as_json)
    return ExitCode.WELL


@about_its_file
def resume(file: JobFile, as_json: Json = False) -> int:
    """Resume a paused run.

    Example:
      penstock resume orders.yaml

    Exit codes:
      0  goes on
      2  a person must change something first
      3  the ledger is unreachable
    """
    [named] = load_jobs([file])
    control = run_async(_resume(named))
    _tell(named, control, f"goes on{_for_workers(control)}", as_json)
    return ExitCode.WELL


@about_its_file
def set_limits(
    file: JobFile,
    assignments: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE", help="rate=200/s, concurrency=32 or auto; default goes back to the job file."
        ),
    ],
    as_json: Json = False,
) -> int:
    """Set the rate or the concurrency of all workers together, of a live run and of later ones.

    What is set here wins over the job file until it is set back to default.

    Example:
      penstock set orders.yaml rate=200/s concurrency=32
      penstock set orders.yaml rate=default concurrency=auto

    Exit codes:
      0  set
      2  a person must change something first
      3  the ledger is unreachable
    """
    wanted = [parse_assignment(text) for text in assignments]
    for kind in {type(one) for one in wanted}:
        if sum(type(one) is kind for one in wanted) > 1:
            raise typer.BadParameter(f"{' '.join(assignments)}: sets one thing twice; keep one of the two")
    [named] = load_jobs([file])
    control = run_async(_set(named, wanted))
    _tell(named, control, f"{limits_in_words(control)}{_for_workers(control)}", as_json)
    return ExitCode.WELL


@dataclass(frozen=True, slots=True)
class RateWanted:
    """Requests per second; None: as the job file says."""

    rate: float | None


@dataclass(frozen=True, slots=True)
class ConcurrencyWanted:
    """Requests on the wire at once; None: as the job file says."""

    concurrency: Concurrency | None


def parse_assignment(text: str) -> RateWanted | ConcurrencyWanted:
    """ "rate=200/s" → RateWanted(200.0). Raises typer.BadParameter."""
    name, _, value = text.partition("=")
    if name == "rate":
        try:
            return RateWanted(None if value == BACK else parse_rate(value))
        except ValueError as error:
            raise typer.BadParameter(f"rate: {error}; {BACK} goes back to the job file") from None
    if name == "concurrency":
        if value == BACK:
            return ConcurrencyWanted(None)
        if value == AUTO:
            return ConcurrencyWanted(AUTO)
        if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 10_000:
            raise typer.BadParameter(
                f"concurrency: {value!r} is no number of requests; write 1 to 10000, {AUTO}, or {BACK}"
            )
        return ConcurrencyWanted(int(value))
    raise typer.BadParameter(f"{text!r} cannot be set; write rate=200/s or concurrency=32")


def limits_in_words(control: Control) -> str:
    rate = "as the job file says" if control.rate is None else per_second(control.rate)
    match control.concurrency:
        case None:
            concurrency = "as the job file says"
        case "auto":
            concurrency = AUTO
        case count:
            concurrency = number(count)
    return f"rate {rate}, concurrency {concurrency}"


async def _pause(named: NamedJob) -> Control:
    async with wiring.open_people_desk(named.job) as desk:
        await desk.pause()
    return await _control(named)


async def _resume(named: NamedJob) -> Control:
    async with wiring.open_people_desk(named.job) as desk:
        await desk.resume()
    return await _control(named)


async def _set(named: NamedJob, wanted: Sequence[RateWanted | ConcurrencyWanted]) -> Control:
    before = await _control(named)
    rate, concurrency = before.rate, before.concurrency
    for one in wanted:
        if isinstance(one, RateWanted):
            rate = one.rate
        else:
            concurrency = one.concurrency
    async with wiring.open_people_desk(named.job) as desk:
        await desk.set_limits(rate=rate, concurrency=concurrency)
    return await _control(named)


async def _control(named: NamedJob) -> Control:
    async with wiring.open_read_model(named.job) as model:
        return await model.control()


def _for_workers(control: Control) -> str:
    if not control.workers:
        return " (no worker is running now)"
    return f" for {counted(control.workers, 'worker')}"


def _tell(named: NamedJob, control: Control, what: str, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "job": named.job.name,
                "paused": control.paused,
                "rate": control.rate,
                "concurrency": control.concurrency,
                "workers": control.workers,
            }
        )
    else:
        people().print(f"{named.job.name}: {what}")

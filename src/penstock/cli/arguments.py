"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from penstock.spec.units import parse_duration, parse_rate

T = TypeVar("T")


def parsed_by(parse: Callable[[object], T]) -> Callable[[str], T]:
    """Let an option speak the job file's units: the parser's own message becomes the usage error's."""

    def parse_option(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parse_option


_WHOLE = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)


def whole_number(least: int, most: int | None = None) -> Callable[[str | int], int]:
    """An option's number, at least and at most so large; what stands as its default is asked, too."""
    bounds = f"from {least} on" if most is None else f"from {least} to {most}"

    def parse_number(typed: str | int) -> int:
        text = str(typed)
        number = int(text) if _WHOLE.fullmatch(text) else None
        if number is None or number < least or (most is not None and number > most):
            raise typer.BadParameter(f"{text!r} is no whole number {bounds}")
        return number

    return parse_number


JobFile = Annotated[Path, typer.Argument(metavar="FILE", help="The job file.", show_default=False)]
JobFiles = Annotated[list[Path], typer.Argument(metavar="FILE", help="The job files.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="K", help="This row; may be given again. Composite keys: '[\"north\", 17]'."),
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Rows whose reason contains this.", show_default=False)
]
Status = Annotated[
    int | None,
    typer.Option(
        "--status",
        metavar="N",
        parser=whole_number(100, 999),
        help="Rows last answered with this status.",
        show_default=False,
    ),
]
RateAtMost = Annotated[
    float | None,
    typer.Option(
        "--rate",
        metavar="R",
        parser=parsed_by(parse_rate),
        help="At most so many requests, like 200/s, by this command; the job's own rate holds besides.",
        show_default=False,
    ),
]


def _time_to_run(value: object) -> float:
    """Seconds. Raises ValueError."""
    seconds = parse_duration(value)
    if seconds == 0:
        raise ValueError(f"{value!r} leaves no time to run; write a duration like 30m, 6h")
    return seconds


TimeToRun = Annotated[
    float | None,
    typer.Option(
        "--for",
        metavar="TIME",
        parser=parsed_by(_time_to_run),
        help="Stop softly after so long, like 6h.",
        show_default=False,
    ),
]
Broker = Annotated[
    str | None,
    typer.Option(
        "--broker",
        metavar="URL",
        envvar="PENSTOCK_BROKER",
        help="RabbitMQ, which hands the ranges out: amqp://user:password@host/vhost, or amqps://.",
        show_default=False,
    ),
]
NewKeys = Annotated[
    bool,
    typer.Option("--new-keys", help="Send new idempotency keys, so that the API does not take them for repeats."),
]

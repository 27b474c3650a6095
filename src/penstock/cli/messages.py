"""What a worker process tells the process that started it (`run --processes`): one JSON line each, on the worker's stdout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from penstock.engine.report import Progress, Summary

LONGEST_LINE = 16 * 1024 * 1024  # a report with thousands of causes


@dataclass(frozen=True, slots=True)
class Underway:
    progress: Progress
    kind: Literal["underway"] = "underway"


@dataclass(frozen=True, slots=True)
class Finished:
    report: Summary
    kind: Literal["finished"] = "finished"


@dataclass(frozen=True, slots=True)
class Broken:
    """The worker ended by an error. text: for people. code: what its exit code says."""

    text: str
    code: int
    kind: Literal["broken"] = "broken"


Message: TypeAlias = Annotated[Underway | Finished | Broken, Field(discriminator="kind")]

_MESSAGE: TypeAdapter[Underway | Finished | Broken] = TypeAdapter(Message)


def encode(message: Underway | Finished | Broken) -> str:
    """One line, with its end."""
    return _MESSAGE.dump_json(message).decode() + "\n"


def decode(line: bytes) -> Underway | Finished | Broken:
    """Raises ValueError for a line that is none."""
    return _MESSAGE.validate_json(line)

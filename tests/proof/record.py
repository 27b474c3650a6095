"""The oracle's log: one JSON line for each thing that came to it, in the kernel's hands before anything goes back.

A write outlives whoever is killed, the oracle too; `fsync` lets it outlive the machine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tests.proof.modes import PLANS, Mode, Plan


@dataclass(frozen=True, slots=True)
class Line:
    """phase: "arrived", a whole request, with what is about to be answered; "broken", a connection that ended within one;
    "ended", the answer is out: `sent` bytes of it.

    seq: counts the lines. request: the seq of the arrival that it belongs to. at: seconds since the epoch. connection: from 1.
    row: as it stands in the target; key: the Idempotency-Key; body: SHA-256 of the body. authorized: the token was the right one.
    replayed: an earlier request with the key was applied, and this one is answered as an acceptance of that.
    """

    seq: int
    at: float
    connection: int
    phase: Literal["arrived", "broken", "ended"]
    request: int
    row: str | None = None
    key: str | None = None
    body: str | None = None
    authorized: bool = True
    mode: Mode | None = None
    applied: bool = False
    replayed: bool = False
    receipt: str | None = None
    sent: int | None = None

    @property
    def plan(self) -> Plan:
        """What was decided to become of it. Of a request that never came whole: nothing."""
        if self.replayed:
            return PLANS[Mode.ACCEPT]
        return Plan(applies=False, status=None) if self.mode is None else PLANS[self.mode]


class Log:
    """Goes on where an earlier oracle ended. on_disk: each line is, before the oracle goes on."""

    def __init__(self, path: Path, *, on_disk: bool = False) -> None:
        self.lines_before = read_log(path) if path.exists() else []
        self._on_disk = on_disk
        self._seq = max((line.seq for line in self.lines_before), default=0)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def write(self, line: Line) -> None:
        content = json.dumps({name: value for name, value in asdict(line).items() if value is not None})
        os.write(self._file, content.encode() + b"\n")
        if self._on_disk:
            os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read_log(path: Path, offset: int = 0) -> list[Line]:
    """The lines from this byte on. A last line without its end is none: its oracle was killed while it wrote."""
    with path.open("rb") as file:
        file.seek(offset)
        return list(_lines(file.read()))


def sends(lines: Sequence[Line]) -> list[Line]:
    """What went over the wire: requests, the broken ones too if they told their row."""
    return [line for line in lines if line.phase != "ended" and line.row is not None]


def _lines(content: bytes) -> Iterator[Line]:
    for text in content.split(b"\n")[:-1]:
        fields = json.loads(text)
        if "mode" in fields:
            fields["mode"] = Mode(fields["mode"])
        yield Line(**fields)

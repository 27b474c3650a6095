"""The bundled API as a child process: started, asked, and gone with whoever started it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TypedDict

from penstock.demo.api import TOKEN

_SECONDS_TO_END = 10.0


class Stats(TypedDict):
    """What GET /stats tells. requests, faults by name: since this process began. applied, doubled: of all orders in the store."""

    requests: int
    applied: int
    doubled: int
    faults: dict[str, int]


@dataclass(frozen=True, slots=True)
class RunningApi:
    """The API's process and the loopback port it listens on."""

    process: subprocess.Popen[bytes]
    port: int

    def stats(self) -> Stats:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS_TO_END)
        try:
            connection.request("GET", "/stats", headers={"Authorization": f"Bearer {TOKEN}"})
            stats: Stats = json.loads(connection.getresponse().read())["data"]
            return stats
        finally:
            connection.close()

    def applied(self) -> int:
        return self.stats()["applied"]


@contextmanager
def running_api(*arguments: str, folder: Path) -> Iterator[RunningApi]:
    """Start the API (arguments: those of `python -m penstock.demo.api`) in `folder` and wait until it listens; end it on leaving.

    Raises RuntimeError if it ends before it listens; it has said why on stderr.
    """
    command = [sys.executable, "-m", "penstock.demo.api", "--with-parent", *arguments]
    # Its own session: a Ctrl-C is for the run; the API must still be there while the run finishes what is on the wire.
    with subprocess.Popen(  # noqa: S603  this interpreter and our own module
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise RuntimeError(f"the bundled API ended with {process.wait()} before it listened")
            yield RunningApi(process, json.loads(line)["port"])
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end; make it, if it does not."""
    process.terminate()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

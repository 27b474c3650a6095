"""The commands of `penstock`: how its own --help lists them, and where each one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from penstock.cli.loading import loaded_for_good

_SET_UP, _DELIVER, _LOOK, _STEER, _MEND = "Set up", "Deliver", "Look", "Steer a live run", "Mend"


@dataclass(frozen=True, slots=True)
class Listed:
    """panel: the heading that it stands under. line: what stands beside its name; its own --help begins with the same.
    place: its module in this room and its function there, "steer:pause"."""

    name: str
    panel: str
    line: str
    place: str

    def load(self) -> Callable[..., int]:
        """The command's function, whose arguments are those of its command line."""
        module, _, function = self.place.partition(":")
        with loaded_for_good():
            loaded = import_module(f"penstock.cli.{module}")
        return cast("Callable[..., int]", getattr(loaded, function))


COMMANDS = (
    Listed(
        "demo",
        _SET_UP,
        "See it work: an old shop in SQLite, an API that stumbles, a run, a kill, a resume, a count.",
        "demo:demo",
    ),
    Listed(
        "check",
        _SET_UP,
        "Look at everything a run needs: source, key, index, flag, rights, ledger, target; sends nothing.",
        "check:check",
    ),
    Listed(
        "prepare", _SET_UP, "Create the ledger's tables, and the flag column where it is missing.", "prepare:prepare"
    ),
    Listed(
        "schema",
        _SET_UP,
        "Write penstock.schema.json into this folder, the JSON Schema of the job file; with --json print it instead.",
        "schema:schema",
    ),
    Listed("run", _DELIVER, "Deliver until nothing is pending; again after any stop.", "run:run"),
    Listed(
        "work", _DELIVER, "Help runs on any machine: wait for work that a broker hands out, and do it.", "work:work"
    ),
    Listed(
        "status", _LOOK, "Show how far a job is: counts, rates, time left, workers, holds and reasons.", "status:status"
    ),
    Listed("rows", _LOOK, "List the rows that the ledger knows, with their reasons.", "rows:rows"),
    Listed(
        "show", _LOOK, "Show one row: its history, its request as a ready curl command, the API's answer.", "show:show"
    ),
    Listed(
        "verify",
        _LOOK,
        "Prove that every row arrived: compare source, ledger, flags and new store.",
        "verify:verify",
    ),
    Listed("report", _LOOK, "Write one HTML page that tells what was moved, to hand on and to sign.", "report:report"),
    Listed(
        "export", _LOOK, "Print the receipts of a job, or write them to a file: CSV, JSONL, Parquet.", "export:export"
    ),
    Listed("pause", _STEER, "Pause a live run: what is on the wire finishes, nothing new goes out.", "steer:pause"),
    Listed("resume", _STEER, "Resume a paused run.", "steer:resume"),
    Listed(
        "set",
        _STEER,
        "Set the rate or the concurrency of all workers together, of a live run and of later ones.",
        "steer:set_limits",
    ),
    Listed(
        "retry",
        _MEND,
        "Put failed (or skipped) rows back to pending; the next run delivers them fresh from the source.",
        "retry:retry",
    ),
    Listed("resolve", _MEND, "Say what became of rows in doubt; needs a selection and a note.", "resolve:resolve"),
    Listed(
        "reset",
        _MEND,
        "Forget the ledger of a job: every row is pending again, and a run sends all of them anew.",
        "reset:reset",
    ),
)

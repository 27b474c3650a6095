"""penstock moves the rows of an old SQL database through an HTTP API: many at once, safe to kill, every row accounted for.

    from penstock import load, run
    summary = await run(load("orders.yaml"))

docs/library.md has a worked example.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.library import (
        Delivery,
        Ended,
        Finding,
        FindingKind,
        Flag,
        Job,
        Ledger,
        Progress,
        Source,
        Stop,
        Summary,
        Target,
        Transform,
        Verify,
        load,
        prepare,
        run,
        verify,
    )

__all__ = [
    "Delivery",
    "Ended",
    "Finding",
    "FindingKind",
    "Flag",
    "Job",
    "Ledger",
    "Progress",
    "Source",
    "Stop",
    "Summary",
    "Target",
    "Transform",
    "Verify",
    "load",
    "prepare",
    "run",
    "verify",
]

__version__ = version("penstock")


def __getattr__(name: str) -> object:
    """Imports the library when it is used: whoever needs one small room of penstock does not wait for drivers and parsers."""
    if name in __all__:
        return getattr(import_module("penstock.library"), name)
    raise AttributeError(f"module 'penstock' has no attribute {name!r}")

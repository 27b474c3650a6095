"""Exit codes, and what is known of them before a command is loaded; `endings` tells those of a run and of a check."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from penstock.errors import PenstockError, Unreachable


class ExitCode(IntEnum):
    WELL = 0  # all well
    FINDINGS = 1  # done, with findings: failed or in-doubt rows, differences, sample rows that do not map
    PERSON = 2  # a person must change something first: usage, job file, rights, no ledger yet
    LATER = 3  # unreachable or stopped early: the same command may go on later


# What a script must hear of first, where several jobs ended differently.
_FIRST = (ExitCode.PERSON, ExitCode.LATER, ExitCode.FINDINGS, ExitCode.WELL)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Of several jobs: the first of 2, 3, 1, 0 that occurred."""
    return min(codes, key=_FIRST.index, default=ExitCode.WELL)


def after_error(error: PenstockError) -> ExitCode:
    return ExitCode.LATER if isinstance(error, Unreachable) else ExitCode.PERSON

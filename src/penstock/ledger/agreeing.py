"""Which versions of penstock may work on one job at the same time."""

from __future__ import annotations


def agree(one: str, other: str) -> bool:
    """Whether workers of these versions share a job: those that differ in the last number alone. Until 1.0 a minor version may
    change what the job file or the ledger means. "": not known, which is no reason to refuse."""
    return not one or not other or _meaning(one) == _meaning(other)


def _meaning(version: str) -> list[str]:
    return version.split(".")[:2]

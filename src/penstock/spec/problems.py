"""Gathers everything that is wrong with one job file, so that it can be told at once."""

from __future__ import annotations

from typing import NoReturn

from penstock.errors import JobFileError, Problem
from penstock.spec.masking import HEADERS, shorten
from penstock.spec.wrong import Location


class Problems:
    """Of the file that people know by the name `file`. At most one problem for each place."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: dict[Location, tuple[int, Problem]] = {}

    def add(self, line: int | None, at: Location, message: str, way_out: str = "") -> None:
        """line: None when the file as a whole is meant. Keeps the first problem of a place; later ones follow from it."""
        if not self.covers(at):
            where = self._file if line is None else f"{self._file}:{line}"
            self._found.setdefault(at, (line or 0, Problem(where, dotted(at), message, way_out)))

    def covers(self, at: Location) -> bool:
        """Whether this place, or one around it, has a problem already."""
        return any(at[:length] in self._found for length in range(1, len(at) + 1))

    def refuse(self, line: int | None, message: str, way_out: str = "") -> NoReturn:
        """Give up on the file: nothing that follows can be read."""
        self.add(line, (), message, way_out)
        raise self.error()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._found)

    def error(self) -> JobFileError:
        """All of them, in the order of the file."""
        return JobFileError([problem for _, problem in sorted(self._found.values(), key=lambda found: found[0])])


def dotted(at: Location) -> str:
    """("target", "not_applied", 2) → "target.not_applied[2]". A key like "Authorization: Bearer ..." ends at its colon;
    a header's at any, as none has one in its name and what follows it may be secret."""
    text = ""
    for depth, step in enumerate(at):
        colon = ":" if depth >= 2 and at[:2] in HEADERS else ": "
        text += f"[{step}]" if isinstance(step, int) else ("." if text else "") + shorten(step.partition(colon)[0])
    return text

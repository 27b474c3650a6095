"""What is wrong with a value, said so that the loader can add the file, the line and the text as it was written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

# Where a value stands: the keys and list indexes that lead to it from the top of the file.
Location: TypeAlias = tuple[str | int, ...]

# pydantic's last step where a mapping's key is meant and not its value.
KEY = "[key]"


class Wrong(ValueError):
    """One thing wrong with one value.

    message: goes on from the value: "is no duration". way_out: what to write instead.
    value: the value, where it cannot be a secret; the loader shows the text as written instead.
    quotes: the message repeats parts of the value, so that it must not be shown when a variable was filled in.
    """

    def __init__(self, message: str, way_out: str = "", *, value: object = None, quotes: bool = False) -> None:
        self.message = message
        self.way_out = way_out
        self.quotes = quotes
        shown = "" if value is None else f"{value!r} "
        super().__init__(shown + message + (f"; {way_out}" if way_out else ""))


def all_wrong(found: Iterable[tuple[Location, Wrong]]) -> ValidationError:
    """Several wrong values beneath the one being validated, as an error that pydantic takes apart again."""
    return ValidationError.from_exception_data(
        "job",
        [InitErrorDetails(type="value_error", loc=at, input=None, ctx={"error": wrong}) for at, wrong in found],
        hide_input=True,
    )

"""Where an exception becomes text for people and an exit code."""

from __future__ import annotations

import functools
import os
import re
import shlex
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

from penstock.cli.exits import ExitCode, after_error
from penstock.cli.streams import people
from penstock.errors import PenstockError

DEBUG = "PENSTOCK_DEBUG"

_PLACE_OF_FILE = re.compile(r"(?<=\bpenstock )([a-z]+) FILE\b")

P = ParamSpec("P")


def complain(error: Exception, file: str | None = None, *, is_one_of_several: bool = False) -> ExitCode:
    """Say on stderr what went wrong. file: the job file that it is about, as the person wrote it.

    is_one_of_several: then it is named first.
    """
    if os.environ.get(DEBUG) == "1":
        people().print("".join(traceback.format_exception(error)).rstrip())
    elif isinstance(error, PenstockError):
        about = f"{file}: " if is_one_of_several else ""
        people().print(about + in_words(error, file))
    else:
        people().print(_unexpected(error))
    return after_error(error) if isinstance(error, PenstockError) else ExitCode.PERSON


def in_words(error: PenstockError, file: str | None) -> str:
    """What to type stands there with the file's own name: the rooms below know the job, not its file."""
    if file is None:
        return str(error)
    name = shlex.quote(file)
    return _PLACE_OF_FILE.sub(lambda found: f"{found[1]} {name}", str(error))


def about_its_file(command: Callable[P, int]) -> Callable[P, int]:
    """A command of one job file, complaining by that file's name."""

    @functools.wraps(command)
    def complaining(*arguments: P.args, **options: P.kwargs) -> int:
        try:
            return command(*arguments, **options)
        except PenstockError as error:
            file = options.get("file")
            return complain(error, str(file) if isinstance(file, Path) else None)

    return complaining


def _unexpected(error: Exception) -> str:
    """One line. The error's own text is left out: nobody has checked it for secrets."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"a fault in penstock: {type(error).__name__} at {os.path.basename(last.filename)}:{last.lineno}; "
        f"the ledger is intact. Please report it with what {DEBUG}=1 prints (look it over for secrets first)"
    )

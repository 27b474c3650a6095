"""Where an exception becomes text for people and an exit code."""

from __future__ import annotations

import os
import traceback

from penstock.cli.exits import ExitCode, after_error
from penstock.cli.streams import people
from penstock.errors import PenstockError

DEBUG = "PENSTOCK_DEBUG"


def complain(error: Exception) -> ExitCode:
    """Say on stderr what went wrong."""
    if os.environ.get(DEBUG) == "1":
        people().print("".join(traceback.format_exception(error)).rstrip())
    elif isinstance(error, PenstockError):
        people().print(str(error))
    else:
        people().print(_unexpected(error))
    return after_error(error) if isinstance(error, PenstockError) else ExitCode.PERSON


def _unexpected(error: Exception) -> str:
    """One line. The error's own text is left out: nobody has checked it for secrets."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"a fault in penstock: {type(error).__name__} at {os.path.basename(last.filename)}:{last.lineno}; "
        f"the ledger is intact. Please report it with what {DEBUG}=1 prints (look it over for secrets first)"
    )

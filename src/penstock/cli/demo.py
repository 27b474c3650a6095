"""`penstock demo`: the whole thing on this machine, with nothing to install."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.arguments import Json, whole_number
from penstock.cli.streams import emit, people
from penstock.demo.run import run_demo


def demo(
    rows: Annotated[
        int, typer.Option("--rows", metavar="N", parser=whole_number(1), help="Orders in the old shop.")
    ] = 5000,
    as_json: Json = False,
) -> int:
    """See it work: an old shop in SQLite, an API that stumbles, a run, a kill, a resume, a count.

    Prints the commands it runs, so it is a tutorial as well. Everything stays
    in a temporary folder, which it names.

    Example:
      penstock demo
      penstock demo --rows 500

    Exit codes:
      0  every order arrived exactly once
      1  one did not
      3  stopped
    """
    folder = Path(tempfile.mkdtemp(prefix="penstock-demo-"))
    code = run_demo(rows, folder, people())
    if as_json:
        emit({"rows": rows, "folder": str(folder), "arrived_once": code == 0})
    return code

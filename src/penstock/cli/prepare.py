"""`penstock prepare`: creates the ledger's tables and the flag column."""

from __future__ import annotations

from textwrap import shorten
from typing import Annotated

import typer

from penstock import wiring
from penstock.cli.arguments import JobFile, Json
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import load_jobs
from penstock.cli.loop import run_async
from penstock.cli.streams import emit, emit_text, people

LONGEST_LINE = 110  # of a statement shown to people; --print-sql and --json have all of it


@about_its_file
def prepare(
    file: JobFile,
    print_sql: Annotated[bool, typer.Option("--print-sql", help="Only print the SQL on stdout; run nothing.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Drop the tables and the column; refused while they hold rows.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Create the ledger's tables, and the flag column where it is missing.

    The column is added without rewriting the table and with a short wait for
    locks; where that is not possible, nothing is changed and what to run is
    printed. Doing it again changes nothing.

    Example:
      penstock prepare orders.yaml
      penstock prepare orders.yaml --print-sql > prepare.sql

    Exit codes:
      0  prepared
      2  a person must change something first
      3  a database is unreachable
    """
    if print_sql and undo:
        raise typer.BadParameter("--print-sql tells what `prepare` would run; leave out --undo")
    [named] = load_jobs([file])
    if print_sql:
        statements = run_async(wiring.prepare_statements(named.job))
    else:
        statements = run_async(wiring.prepare_job(named.job, undo=undo))
    if as_json:
        emit({"job": named.job.name, "statements": statements, "run": not print_sql})
    elif print_sql:
        emit_text("".join(f"{statement};\n" for statement in statements))
    else:
        console = people()
        for statement in statements:
            console.print(shorten(statement, LONGEST_LINE, placeholder=" ..."))
        done = "undone" if undo else f"ready; penstock run {file} delivers"
        console.print(f"{named.job.name}: {done if statements else 'nothing to do'}")
    return ExitCode.WELL

"""`penstock rows`: the rows that the ledger knows, one by one, with their reasons."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import typer

from penstock import wiring
from penstock.cli.arguments import JobFile, Json
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import load_jobs
from penstock.cli.lookup import EVERY_STATE
from penstock.cli.loop import run_async
from penstock.cli.streams import emit, people
from penstock.insights.keys import json_key, plain_key
from penstock.insights.words import printable
from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState
from penstock.rows import KeyText
from penstock.spec.models import Job

PAGE = 1000


@about_its_file
def rows(
    file: JobFile,
    states: Annotated[
        list[RowState] | None,
        typer.Option(
            "--state", metavar="S", help="pending, imported, failed, in_doubt or skipped; may be given again."
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """List the rows that the ledger knows, with their reasons.

    Rows that no worker has reached yet have no ledger row. Prints as it reads,
    so it serves any number of rows.

    Example:
      penstock rows orders.yaml --state failed
      penstock rows orders.yaml --state in_doubt --json > doubts.jsonl

    Exit codes:
      0  whatever it shows
      2  a person must change something first
      3  the ledger is unreachable
    """
    [named] = load_jobs([file])
    wanted = frozenset(states) if states else EVERY_STATE
    run_async(_print_rows(named.job, wanted, as_json))
    return ExitCode.WELL


async def _print_rows(job: Job, states: frozenset[RowState], as_json: bool) -> None:
    console = people()
    shown = 0
    # Closed even when nobody reads to the end: the database's connection is inside.
    async with aclosing(_every_row(job, states)) as found:
        async for row in found:
            if as_json:
                if not emit(row_document(row)):
                    return
            else:
                console.print(_line(row))
            shown += 1
    if not shown and not as_json:
        console.print("no such rows")


async def _every_row(job: Job, states: frozenset[RowState]) -> AsyncGenerator[LedgerRow]:
    after: KeyText | None = None
    async with wiring.open_read_model(job) as model:
        while page := await model.rows(states, after, PAGE):
            for row in page:
                yield row
            after = page[-1].key


def row_document(row: LedgerRow) -> dict[str, object]:
    """One line of `rows --json`."""
    return {
        "key": json_key(row.key),
        "state": row.state,
        "attempts": row.attempts,
        "status": row.status,
        "reason": row.reason,
        "receipt": row.receipt,
        "updated_at": row.updated_at,
    }


def _line(row: LedgerRow) -> str:
    state = row.state.replace("_", " ")
    told = [f"receipt {row.receipt}"] if row.receipt else []
    told += [row.reason] if row.reason else []
    parts = [printable(plain_key(row.key)), state, f"{row.updated_at:%Y-%m-%d %H:%M:%S}", printable("; ".join(told))]
    return "  ".join(part for part in parts if part)

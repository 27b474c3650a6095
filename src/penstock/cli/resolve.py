"""`penstock resolve`: a person's word on rows in doubt."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from penstock import wiring
from penstock.cli.arguments import JobFile, Json, Keys, Reason, Status
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import NamedJob, load_jobs
from penstock.cli.lookup import keys_of
from penstock.cli.loop import run_async
from penstock.cli.streams import emit, people
from penstock.errors import JobError
from penstock.insights.selection import in_words, rows_selected
from penstock.insights.words import counted
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState

IN_DOUBT = frozenset({RowState.IN_DOUBT})


class Resolution(StrEnum):
    IMPORTED = RowState.IMPORTED.value  # it had arrived
    PENDING = RowState.PENDING.value  # it had not: it is sent again
    FAILED = RowState.FAILED.value  # it is given up


@about_its_file
def resolve(
    file: JobFile,
    resolution: Annotated[
        Resolution,
        typer.Option(
            "--as",
            metavar="S",
            help="imported: it had arrived; pending: it had not, send it again; failed: give it up.",
            show_default=False,
        ),
    ],
    keys: Keys = None,
    reason: Reason = None,
    status: Status = None,
    everything: Annotated[bool, typer.Option("--all", help="Every row in doubt.")] = False,
    receipt: Annotated[
        str | None,
        typer.Option(
            "--receipt", metavar="ID", help="The new id, with --as imported and one --key.", show_default=False
        ),
    ] = None,
    note: Annotated[
        str | None,
        typer.Option("--note", metavar="TEXT", help="How you know; it is kept with each row.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> int:
    """Say what became of rows in doubt; needs a selection and a note.

    Without --note it only tells how many rows it would change.

    Example:
      penstock resolve orders.yaml --status 500 --as pending \\
        --note "the API team says that a 500 stores nothing"
      penstock resolve orders.yaml --key 1042 --as imported --receipt 77 \\
        --note "seen in the new shop"

    Exit codes:
      0  also if no row matched (it says so)
      2  a person must change something first
      3  the ledger is unreachable
    """
    if not (keys or reason or status is not None or everything):
        raise typer.BadParameter("say which rows: --key, --reason, --status or --all")
    if everything and (keys or reason or status is not None):
        raise typer.BadParameter("--all means every row in doubt; leave it out, or the other selections")
    if receipt is not None and (resolution is not Resolution.IMPORTED or len(keys or ()) != 1):
        raise typer.BadParameter("--receipt is the id of one row: give one --key and --as imported")
    [named] = load_jobs([file])
    wanted = Selection(IN_DOUBT, keys or (), reason, status)
    if not note:
        selection, matching = run_async(_count(named, wanted))
        raise JobError(
            f"this would make {counted(matching, 'row')} {resolution.value} ({in_words(selection)}); "
            "to do it, say how you know: --note TEXT"
        )
    selection, moved = run_async(_resolve(named, wanted, RowState(resolution.value), receipt, note))
    if as_json:
        emit({"job": named.job.name, "resolved": moved, "as": resolution.value})
    elif moved:
        people().print(f"{named.job.name}: {counted(moved, 'row')} in doubt made {resolution.value}")
    else:
        people().print(f"{named.job.name}: no row matches ({in_words(selection)}); nothing was changed")
    return ExitCode.WELL


async def _count(named: NamedJob, wanted: Selection) -> tuple[Selection, int]:
    selection = wanted._replace(keys=await keys_of(named.job, wanted.keys))
    async with wiring.open_read_model(named.job) as model:
        found = [await model.row(key) for key in selection.keys]
        return selection, rows_selected(selection, await model.causes(), [row for row in found if row is not None])


async def _resolve(
    named: NamedJob, wanted: Selection, state: RowState, receipt: str | None, note: str
) -> tuple[Selection, int]:
    """wanted.keys: as typed."""
    selection = wanted._replace(keys=await keys_of(named.job, wanted.keys))
    async with wiring.open_people_desk(named.job) as desk:
        return selection, await desk.resolve(selection, state, receipt=receipt, note=note)

"""`penstock export`: receipts as a table, for whoever has to find the new row of an old one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from penstock import wiring
from penstock.cli.arguments import Force, JobFile
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import load_jobs
from penstock.cli.loop import run_async
from penstock.cli.streams import emit_bytes, people
from penstock.cli.whole_file import whole_file
from penstock.exports.base import ENDINGS, Format, Output, Table
from penstock.exports.csv_table import CsvTable
from penstock.exports.jsonl_table import JsonlTable
from penstock.exports.kinds import ColumnKind
from penstock.exports.parquet_table import OutgrownError, ParquetTable, need_pyarrow
from penstock.insights.receipts import pages_of_rows
from penstock.insights.words import counted
from penstock.ledger.states import RowState
from penstock.spec.models import Job


@about_its_file
def export(
    file: JobFile,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="F",
            help="csv, jsonl or parquet; left out: by the ending of --out, else csv.",
            show_default=False,
        ),
    ] = None,
    states: Annotated[
        list[RowState] | None,
        typer.Option(
            "--state",
            metavar="S",
            help="imported (if left out), pending, failed, in_doubt or skipped; may be given again.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="A file; left out: stdout.", show_default=False)
    ] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format jsonl.")] = False,
) -> int:
    """Print the receipts of a job, or write them to a file: CSV, JSONL, Parquet.

    A row each: its key, the new system's id (receipt), state, HTTP status, when
    (UTC), attempts, reason; in the order of the keys' texts. Reads page by page,
    so it serves any number of rows. A file is there when it is complete.

    Example:
      penstock export orders.yaml > receipts.csv
      penstock export orders.yaml --out receipts.parquet
      penstock export orders.yaml --state failed --state in_doubt --format jsonl

    Exit codes:
      0  whatever it shows
      2  a person must change something first
      3  the ledger is unreachable
    """
    chosen = _format(form, out, as_json)
    wanted = frozenset(states or (RowState.IMPORTED,))
    [named] = load_jobs([file])
    job = named.job
    if chosen is Format.PARQUET:
        if out is None:
            raise typer.BadParameter("Parquet is no text to print; name a file: --out receipts.parquet")
        need_pyarrow()
    table: Table
    if out is None:
        table = _table(chosen, emit_bytes, job)
        rows = run_async(_fill(job, wanted, table))
    else:
        with whole_file(out, replace=force) as place:
            rows, table = _write(job, wanted, chosen, place)
    if rows is not None:
        where = "printed" if out is None else f"written to {out}"
        people().print(f"{job.name}: {counted(rows, 'row')} {where}{_note(table)}")
    return ExitCode.WELL


def _format(form: Format | None, out: Path | None, as_json: bool) -> Format:
    if as_json and form not in (None, Format.JSONL):
        raise typer.BadParameter(f"--json is --format jsonl; leave it out, or --format {form}")
    if as_json:
        return Format.JSONL
    if form is not None:
        return form
    if out is None:
        return Format.CSV
    if out.suffix.lower() not in ENDINGS:
        raise typer.BadParameter(f"{out} ends in none of {', '.join(ENDINGS)}; say which it is to be: --format csv")
    return ENDINGS[out.suffix.lower()]


def _table(chosen: Format, output: Output, job: Job) -> CsvTable | JsonlTable:
    return CsvTable(output, job.source.key) if chosen is Format.CSV else JsonlTable(output)


def _write(job: Job, states: frozenset[RowState], chosen: Format, place: BinaryIO) -> tuple[int | None, Table]:
    if chosen is not Format.PARQUET:

        def output(data: bytes) -> bool:
            place.write(data)
            return True

        table = _table(chosen, output, job)
        return run_async(_fill(job, states, table)), table
    kinds: Sequence[ColumnKind] = ()
    while True:
        parquet = ParquetTable(place, job.source.key, kinds)
        try:
            return run_async(_fill(job, states, parquet)), parquet
        except OutgrownError as outgrown:
            kinds = outgrown.kinds
            place.seek(0)
            place.truncate()


async def _fill(job: Job, states: frozenset[RowState], table: Table) -> int | None:
    """Returns how many rows went into it; None: nobody read to the end."""
    rows = 0
    async with wiring.open_read_model(job) as model, aclosing(pages_of_rows(model, states)) as pages:
        async for page in pages:
            if not table.write(page):
                return None
            rows += len(page)
    table.close()
    return rows


def _note(table: Table) -> str:
    defused = table.defused if isinstance(table, CsvTable) else 0
    if not defused:
        return ""
    return (
        f"; {counted(defused, 'text')} that a spreadsheet would take for a formula got a ' in front "
        "(--format jsonl has them as they are)"
    )

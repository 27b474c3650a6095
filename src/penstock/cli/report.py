"""`penstock report`: one HTML page to hand on and to sign."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from penstock import wiring
from penstock.cli.arguments import Force, JobFile, Json
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import NamedJob, load_jobs
from penstock.cli.loop import run_async
from penstock.cli.report_document import report_document
from penstock.cli.streams import emit, people
from penstock.cli.whole_file import whole_file
from penstock.errors import JobError
from penstock.insights.report import Report, gather
from penstock.insights.verification import Extent, Findings, Verification, read_verification
from penstock.pages.report import render_report
from penstock.pages.words import verdict
from penstock.verify.reconcile import Scope
from penstock.verify.telling import finding_document


@about_its_file
def report(
    file: JobFile,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="PATH", help="The page's file; left out: JOB-report.html, here.", show_default=False
        ),
    ] = None,
    verifies: Annotated[
        bool, typer.Option("--verify", help="Verify first, as `penstock verify` does; the page tells what was found.")
    ] = False,
    saved: Annotated[
        Path | None,
        typer.Option(
            "--findings",
            metavar="PATH",
            help="What `penstock verify FILE --json` printed, to stand on the page.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Write one HTML page that tells what was moved, to hand on and to sign.

    What, when, by which job file; counts that add up; what needs a look, with
    examples; pictures over time; the receipts' checksum. The file fetches
    nothing, runs nothing, and prints well. Reads all of the ledger; with
    --verify source and new store as well.
    With --json the same figures are printed, and no file is written.

    Example:
      penstock report orders.yaml
      penstock report orders.yaml --verify --out orders.html

    Exit codes:
      0  written
      2  a person must change something first
      3  the ledger (with --verify: source, ledger or store) is unreachable
    """
    if as_json and out is not None:
        raise typer.BadParameter("--json prints on stdout; leave --out out")
    if verifies and saved is not None:
        raise typer.BadParameter("--verify looks now, --findings tells what was found before; give one of the two")
    [named] = load_jobs([file])
    found = None if saved is None else _read(saved)
    place = out or Path(f"{named.job.name}-report.html")
    if as_json:
        emit(report_document(run_async(_gather(named, found, verifies=verifies))))
        return ExitCode.WELL
    with whole_file(place, replace=force) as page:
        made = run_async(_gather(named, found, verifies=verifies))
        page.write(render_report(made).encode())
    people().print(f"{named.job.name}: {verdict(made)} {place} is written")
    return ExitCode.WELL


async def _gather(named: NamedJob, verification: Verification | None, *, verifies: bool) -> Report:
    if verifies:
        verification = await _verify(named)
    subject = wiring.report_subject(named.job, named.file)
    async with wiring.open_read_model(named.job) as model:
        return await gather(
            model, subject, at=datetime.now(UTC), penstock=version("penstock"), verification=verification
        )


async def _verify(named: NamedJob) -> Verification:
    findings = Findings()
    async with (
        wiring.open_verification(named.job) as verification,
        aclosing(verification.findings(Scope())) as found,
    ):
        async for finding in found:
            findings.add(finding_document(finding))
        progress = verification.progress
        return findings.verification("this page", extent=Extent(progress.rows, progress.records, verification.store))


def _read(path: Path) -> Verification:
    try:
        with path.open("rb") as lines:
            return read_verification(lines, path.name)
    except OSError as error:
        raise JobError(
            f"{path} cannot be read ({error.strerror}); give what `penstock verify FILE --json` printed"
        ) from None

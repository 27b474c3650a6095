"""`penstock reset`: forgets the ledger of a job."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock import wiring
from penstock.cli.arguments import JobFile, Json, NewKeys
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import NamedJob, load_jobs
from penstock.cli.loop import run_async
from penstock.cli.streams import emit, people
from penstock.errors import JobError
from penstock.insights.totals import totals
from penstock.insights.words import counted, number
from penstock.ledger.rows import Counts


@about_its_file
def reset(
    file: JobFile,
    yes: Annotated[bool, typer.Option("--yes", help="Really forget.")] = False,
    new_keys: NewKeys = False,
    as_json: Json = False,
) -> int:
    """Forget the ledger of a job: every row is pending again, and a run sends all of them anew.

    Clears only flags that penstock set. Refused while a worker holds a lease.
    Without --yes it only tells what would go.

    Example:
      penstock reset orders.yaml --yes
      penstock reset orders.yaml --yes --new-keys

    Exit codes:
      0  forgotten
      2  a person must change something first
      3  the ledger or the source is unreachable
    """
    [named] = load_jobs([file])
    if not yes:
        counts = run_async(_counts(named))
        raise JobError(
            f"this would forget what became of {counted(totals(counts).done, 'row')}, {number(counts.imported)} of them "
            "imported; a run would send them again. To do it, add --yes"
        )
    forgotten = run_async(wiring.reset_job(named.job, renew_keys=new_keys))
    if as_json:
        emit({"job": named.job.name, "forgotten": forgotten})
    else:
        people().print(f"{named.job.name}: {counted(forgotten, 'row')} forgotten; penstock run {file} starts anew")
    return ExitCode.WELL


async def _counts(named: NamedJob) -> Counts:
    async with wiring.open_read_model(named.job) as model:
        return await model.counts()

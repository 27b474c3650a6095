"""`penstock retry`: failed or skipped rows go back to pending."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from penstock import wiring
from penstock.cli.arguments import Broker, JobFile, Json, Keys, NewKeys, Reason, Status
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import NamedJob, load_jobs
from penstock.cli.lookup import keys_of
from penstock.cli.loop import run_async
from penstock.cli.streams import emit, people
from penstock.insights.selection import in_words
from penstock.insights.words import counted, number
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState


class Retriable(StrEnum):
    FAILED = RowState.FAILED.value
    SKIPPED = RowState.SKIPPED.value


@about_its_file
def retry(
    file: JobFile,
    state: Annotated[Retriable, typer.Option("--state", metavar="S", help="failed or skipped.")] = Retriable.FAILED,
    reason: Reason = None,
    status: Status = None,
    keys: Keys = None,
    new_keys: NewKeys = False,
    broker: Broker = None,
    as_json: Json = False,
) -> int:
    """Put failed (or skipped) rows back to pending; the next run delivers them fresh from the source.

    Without a further option: all failed rows. A live run takes them up as well.
    With --broker also messages that the broker has put aside are handed out
    again; those that are none of the job's are thrown away.

    Example:
      penstock retry orders.yaml
      penstock retry orders.yaml --status 422
      penstock retry orders.yaml --state skipped --key 1042

    Exit codes:
      0  also if no row matched (it says so)
      2  a person must change something first
      3  the ledger is unreachable
    """
    [named] = load_jobs([file])
    states = frozenset({RowState(state.value)})
    selection, moved = run_async(_retry(named, Selection(states, keys or (), reason, status), new_keys))
    messages = None if broker is None else run_async(_put_back(named, broker))
    if as_json:
        emit({"job": named.job.name, "retried": moved} | ({} if messages is None else {"messages": messages}))
    elif moved:
        people().print(f"{named.job.name}: {counted(moved, 'row')} back to pending; penstock run {file} delivers")
    else:
        people().print(f"{named.job.name}: no row matches ({in_words(selection)}); nothing was changed")
    return ExitCode.WELL


async def _put_back(named: NamedJob, broker: str) -> int:
    """How many messages are handed out again."""
    name, console = named.job.name, people()
    back, away = await wiring.put_messages_back(
        broker, named.job, tell=lambda why: console.print(f"{name}: a message is thrown away: {why}")
    )
    if back or away:
        console.print(f"{name}: {counted(back, 'message')} handed out again, {number(away)} thrown away")
    return back


async def _retry(named: NamedJob, wanted: Selection, renew_keys: bool) -> tuple[Selection, int]:
    """wanted.keys: as typed."""
    selection = wanted._replace(keys=await keys_of(named.job, wanted.keys))
    async with wiring.open_people_desk(named.job) as desk:
        return selection, await desk.retry(selection, renew_keys=renew_keys)

"""`penstock show`: one row's history, its request rendered again, and what the API answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console

from penstock import wiring
from penstock.cli.arguments import JobFile, Json
from penstock.cli.exits import ExitCode
from penstock.cli.failures import about_its_file
from penstock.cli.jobs import load_jobs
from penstock.cli.lookup import find
from penstock.cli.loop import run_async
from penstock.cli.rows import row_document
from penstock.cli.streams import emit, people
from penstock.errors import PenstockError
from penstock.insights import requests
from penstock.insights.keys import json_key, plain_key
from penstock.insights.requests import RenderedRequest, curl
from penstock.insights.words import printable
from penstock.ledger.events import StoredEvent
from penstock.ledger.rows import LedgerRow
from penstock.rows import KeyText
from penstock.spec.models import Job


@dataclass(frozen=True, slots=True)
class History:
    """row: None if the ledger does not know it. request: None if it cannot be made now; `trouble` says why. probe: how to ask the
    API about it; None if the job does not say."""

    key: KeyText
    row: LedgerRow | None
    events: Sequence[StoredEvent]
    request: RenderedRequest | None
    probe: RenderedRequest | None
    trouble: str


@about_its_file
def show(
    file: JobFile,
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The row: 1042, A-17, or '[\"north\", 17]'.", show_default=False)
    ],
    as_json: Json = False,
) -> int:
    """Show one row: its history, its request as a ready curl command, the API's answer.

    The request is made again from the source as it is now. Secrets stand as
    $NAME, as in the job file. Running the curl command sends the row.

    Example:
      penstock show orders.yaml 1042
      penstock show orders.yaml '["north", 17]' --json

    Exit codes:
      0  whatever it shows
      2  a person must change something first
      3  the ledger is unreachable
    """
    [named] = load_jobs([file])
    history = run_async(_history(named.job, key))
    if as_json:
        emit(_document(history))
    else:
        _print(history, people())
    return ExitCode.WELL


async def _history(job: Job, typed: str) -> History:
    async with wiring.open_read_model(job) as model:
        key = (await find(job, model, typed)).key
        row = await model.row(key)
        events = await model.events(key=key)
    request, probe, trouble = None, None, ""
    try:
        request, probe = await wiring.show_requests(job, key)
    except PenstockError as error:
        # The history is worth showing even where the source does not answer or the row does not map.
        trouble = str(error)
    return History(key, row, events, request, probe, trouble)


def _document(history: History) -> dict[str, object]:
    row, request = history.row, history.request
    return {
        **(row_document(row) if row else {"key": json_key(history.key), "state": None}),
        "answer": row.answer if row else None,
        "events": [{"at": event.at, "kind": event.kind, "detail": event.detail} for event in history.events],
        "request": request and request_document(request),
        **({"probe": request_document(history.probe)} if history.probe else {}),
        "request_error": history.trouble or None,
    }


def request_document(request: RenderedRequest) -> dict[str, object]:
    return {
        "method": request.method,
        "url": requests.show(request.url),
        "headers": {name: requests.show(value) for name, value in request.headers},
        "body": requests.show(request.body),
        "curl": curl(request),
    }


def _print(history: History, console: Console) -> None:
    key, row = printable(plain_key(history.key)), history.row
    if row is None:
        console.print(f"row {key}: the ledger does not know it (yet)")
    else:
        console.print(f"row {key}: {row.state.replace('_', ' ')} since {row.updated_at:%Y-%m-%d %H:%M:%S} UTC")
        told = {"attempts": str(row.attempts), "status": row.status, "reason": row.reason, "receipt": row.receipt}
        for name, value in {**told, "answer": row.answer}.items():
            if value:
                console.print(f"  {name}: {printable(str(value))}")
    for event in sorted(history.events, key=lambda event: event.at):
        console.print(f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.kind.replace('_', ' ')}  {printable(event.detail)}")
    if history.request is not None:
        console.print("its request as the source is now (running this sends the row):")
        console.print("\n".join(printable(line) for line in curl(history.request).splitlines()))
        if history.probe is not None:
            console.print("to ask whether it has arrived (target.probe; running this sends no row):")
            console.print("\n".join(printable(line) for line in curl(history.probe).splitlines()))
    else:
        console.print(f"its request cannot be made now: {printable(history.trouble)}")

"""The databases of a job: the source's, the ledger's, or one that is both."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from penstock.database.connect import Database, open_database
from penstock.database.urls import same_database
from penstock.spec.models import Job

# Heartbeat, settler, announcer, reader, flags and whoever shows progress may all be at work at once.
CONNECTIONS = 8


class Databases(NamedTuple):
    """source is ledger: one transaction can span both."""

    source: Database
    ledger: Database

    @property
    def are_one(self) -> bool:
        return self.source is self.ledger


@asynccontextmanager
async def open_databases(job: Job) -> AsyncIterator[Databases]:
    async with AsyncExitStack() as opened:
        source = open_database(job.source.url, folder=job.folder, connections=CONNECTIONS)
        opened.push_async_callback(source.aclose)
        ledger = source
        if not same_database(job.source.url, job.ledger.url, job.folder):
            ledger = open_database(job.ledger.url, folder=job.folder, connections=CONNECTIONS)
            opened.push_async_callback(ledger.aclose)
        yield Databases(source, ledger)


@asynccontextmanager
async def open_ledger_database(job: Job, *, create: bool = False) -> AsyncIterator[Database]:
    """create: let SQLite make the file."""
    database = open_database(job.ledger.url, folder=job.folder, create=create)
    try:
        yield database
    finally:
        await database.aclose()


def journal_folder(ledger: Database) -> Path:
    """Where workers of this machine keep the answers that the ledger does not have yet: beside an SQLite ledger, else in the
    user's folder of state."""
    if ledger.kind == "sqlite":
        return Path(ledger.address).parent / ".penstock"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "penstock"

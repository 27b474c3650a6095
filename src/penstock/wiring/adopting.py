"""`verify --adopt`, put together: the ledger is filled from what the new store already holds."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile

from penstock.clock import SystemClock
from penstock.engine.owner import host_name, is_dead, new_owner
from penstock.errors import JobError, LedgerRefused, LedgerUnreachable, RowError
from penstock.events import EventKind
from penstock.ledger.base import ReadModel
from penstock.ledger.events import Event
from penstock.ledger.opening import open_ledger, read_model
from penstock.ledger.workers import ADOPTING
from penstock.rows import Record
from penstock.source.fingerprint import fingerprint_without
from penstock.source.open import open_source
from penstock.spec.expressions import expression_names
from penstock.spec.models import Job
from penstock.spec.wire import to_text
from penstock.verify.adopt import Adopted, Adoption
from penstock.wiring.asking import expectation_of
from penstock.wiring.databases import open_databases
from penstock.wiring.flags import marker_of, writer_of
from penstock.wiring.people import refuse_live_workers
from penstock.wiring.running import identity_of
from penstock.wiring.verifying import open_store

_MOST_EVENTS = 1000


async def adopt_job(job: Job) -> Adopted:
    """Every row that the ledger does not know and the new store has becomes imported. Raises JobError if a person must change
    something first (LedgerRefused while a worker is alive), Unreachable."""
    if job.verify is None:
        raise JobError("--adopt looks into the new store, and the job file does not say where that is: add verify:")
    if job.verify.source_key is not None and "receipt" in expression_names(job.verify.source_key):
        raise JobError(
            "--adopt looks for rows that were never sent, and verify.source_key needs the receipt that the API gives for a row: "
            "name a column there that the row's own values lead to"
        )
    async with open_databases(job) as databases:
        model = await read_model(databases.ledger, job.name, is_dead=is_dead)
        await refuse_live_workers(model, job.name)
        await _refuse_runs(model, job.name)
        source = await open_source(job, databases.source)
        ledger = await open_ledger(databases.ledger, job.name, is_dead=is_dead)
        store = await open_store(job, job.verify, () if job.verify.receipt is None else (job.verify.receipt,))
        owner = new_owner()
        try:
            identity = replace(identity_of(job, source.identity), file_hash=ADOPTING)
            await ledger.join(identity, owner, host_name(), os.getpid())
            flags = writer_of(job, source.plan.flag, SystemClock())
            adoption = Adoption(
                source,
                ledger,
                store,
                expectation_of(job, job.verify, source.columns),
                fingerprint_without(source.plan.own),
                _receipt,
                owner,
                marker_of(flags, databases),
            )
            adopted = await adoption.adopt()
            detail = f"{adopted.adopted} of {adopted.rows} rows, which the new store had"
            await ledger.note([Event(EventKind.ADOPTED, detail)], owner)
            return adopted
        finally:
            with suppress(LedgerUnreachable):
                await ledger.leave(owner, "adopted")
            await store.aclose()


async def _refuse_runs(model: ReadModel, job_name: str) -> None:
    """A run leaves ranges behind whose rows it has not sent yet, and rows behind the cursor: adopting would overlook them, and
    the next run send them. Raises LedgerRefused."""
    events = await model.events(limit=_MOST_EVENTS)
    since_reset = list(takewhile(lambda event: event.kind is not EventKind.LEDGER_RESET, events))
    # Adopting writes three events in all: where there are so many, there have been runs.
    if len(since_reset) == _MOST_EVENTS or any(
        event.kind is EventKind.RUN_STARTED and not event.detail.endswith(ADOPTING) for event in since_reset
    ):
        raise LedgerRefused(
            f"job {job_name!r} has been run, and --adopt fills a ledger that no run has touched: `penstock reset FILE --yes` "
            "forgets what the ledger knows (and clears the flags that it set); what is in the new store is then adopted"
        )


def _receipt(record: Record) -> str | None:
    """As the API's answer would have said it."""
    try:
        return to_text(record.values[0]) if record.values else None
    except RowError:
        return None

"""What could end a run at once, tried before anything is touched: the ledger hears of no run that could not send a row."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.clock import SystemClock
from penstock.errors import JobError
from penstock.rows import KeyText
from penstock.source.flag_trial import refuse_data, refuse_without_right
from penstock.source.reader import SqlSource
from penstock.spec.models import Job
from penstock.target.tls import tls_context
from penstock.target.wire import parse_target_url
from penstock.wiring.databases import Databases
from penstock.wiring.flags import writer_of
from penstock.wiring.probing import rehearse_probe
from penstock.wiring.requests import classifier, idempotency_keys, request_renderer


async def rehearse(job: Job, databases: Databases, source: SqlSource, keys: Sequence[KeyText]) -> None:
    """keys: of the rows that are asked for by name. Raises JobError for what a person must change first; SourceUnreachable."""
    clock = SystemClock()
    if parse_target_url(job.target.url).tls:
        tls_context(job.target.tls)
    request_renderer(job, source.columns, idempotency_keys(job, generation=1))
    classifier(job, source.columns, clock)
    rehearse_probe(job, source.columns, idempotency_keys(job, generation=1), clock)
    writer_of(job, source.plan.flag, clock)
    if source.plan.flag is not None:
        await refuse_data(databases.source, source.plan.flag)
        await refuse_without_right(databases.source, source.plan.flag)
    shown = await source.read_keys(keys) if keys else {}
    missing = [key for key in keys if key not in shown]
    if missing:
        raise JobError(
            f"the query of job {job.name!r} shows no row with the key {', '.join(missing)}; "
            f"write the key as the query shows {', '.join(job.source.key)}"
        )

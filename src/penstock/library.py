"""penstock as a library: what `from penstock import ...` gives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial

from penstock import wiring
from penstock.engine.report import Progress, RunOptions, Summary
from penstock.engine.stop import Ended, Stop
from penstock.rows import encode_key
from penstock.spec.loader import load
from penstock.spec.models import Delivery, Flag, Job, Ledger, Source, Target, Transform, Verify
from penstock.verify.findings import Finding, FindingKind
from penstock.verify.reconcile import Scope

__all__ = [
    "Delivery",
    "Ended",
    "Finding",
    "FindingKind",
    "Flag",
    "Job",
    "Ledger",
    "Progress",
    "Source",
    "Stop",
    "Summary",
    "Target",
    "Transform",
    "Verify",
    "load",
    "prepare",
    "run",
    "verify",
]


async def prepare(job: Job) -> Sequence[str]:
    """Make the ledger's tables and the flag's column where they are missing. Returns the SQL statements run.

    Raises JobError (penstock.errors) for a job that no run could use, before anything is made; Unreachable.
    """
    return await wiring.prepare_job(job, undo=False)


async def run(
    job: Job,
    *,
    limit: int | None = None,
    keys: Sequence[object | Sequence[object]] = (),
    rate: float | None = None,
    seconds: float | None = None,
    broker: str | None = None,
    stop: Stop | None = None,
    show: Callable[[Progress], None] | None = None,
) -> Summary:
    """Deliver the rows of a job until nothing is pending; the same call goes on after any stop. Never makes a ledger or a column.

    limit: at most so many rows. keys: these rows alone, each a key value or, for composite keys, a sequence of them.
    rate: requests per second at most, besides the job's own. seconds: end softly after so long. broker: the amqp:// or amqps://
    address of a RabbitMQ that hands the ranges out, to this run and to others. stop: call its `drain` from the same event loop
    to end softly. show: called about once a second.

    Raises JobError if a person must change something first, Unreachable if source or ledger does not answer: what was on the wire
    has then been settled as far as the ledger could be reached. Rows that the API refuses raise nothing: they are counted.
    """
    options = RunOptions(limit=limit, keys=tuple(map(_key_text, keys)), rate=rate, seconds=seconds)
    open_broker = None if broker is None else partial(wiring.opened_broker, broker, job)
    return await wiring.run_job(job, options, Stop() if stop is None else stop, show=show, open_broker=open_broker)


async def verify(job: Job, *, share: float = 1.0, since: datetime | None = None) -> AsyncGenerator[Finding]:
    """Compare source, ledger, flags and the new store (`job.verify`; without it the first three): each thing that is wrong, as it
    is found. Nothing is written. Close it (`contextlib.aclosing`) if you do not read to the end.

    share: of the rows, above 0 and up to 1, drawn at random. since: rows alone that were settled since then (aware). With either,
    what the new store has beyond the rows is not looked for.

    Raises JobError if a person must change something first, Unreachable if source, ledger or store does not answer.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share is {share!r}: it must be above 0 and at most 1")
    if since is not None and since.tzinfo is None:
        raise ValueError(f"since is {since!r}, which has no time zone")
    async with (
        wiring.open_verification(job) as verification,
        aclosing(verification.findings(Scope(share, since))) as found,
    ):
        async for finding in found:
            yield finding


def _key_text(key: object | Sequence[object]) -> str:
    return encode_key(key if isinstance(key, list | tuple) else (key,))

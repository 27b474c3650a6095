"""penstock as a library: what `from penstock import ...` gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock import wiring
from penstock.engine.report import Progress, RunOptions, Summary
from penstock.engine.stop import Ended, Stop
from penstock.rows import encode_key
from penstock.spec.loader import load
from penstock.spec.models import Delivery, Flag, Job, Ledger, Source, Target, Transform

__all__ = [
    "Delivery",
    "Ended",
    "Flag",
    "Job",
    "Ledger",
    "Progress",
    "Source",
    "Stop",
    "Summary",
    "Target",
    "Transform",
    "load",
    "prepare",
    "run",
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
    stop: Stop | None = None,
    show: Callable[[Progress], None] | None = None,
) -> Summary:
    """Deliver the rows of a job until nothing is pending; the same call goes on after any stop. Never makes a ledger or a column.

    limit: at most so many rows. keys: these rows alone, each a key value or, for composite keys, a sequence of them.
    rate: requests per second at most, besides the job's own. seconds: end softly after so long. stop: call its `drain` from the
    same event loop to end softly. show: called about once a second.

    Raises JobError if a person must change something first, Unreachable if source or ledger does not answer: what was on the wire
    has then been settled as far as the ledger could be reached. Rows that the API refuses raise nothing: they are counted.
    """
    options = RunOptions(limit=limit, keys=tuple(map(_key_text, keys)), rate=rate, seconds=seconds)
    return await wiring.run_job(job, options, Stop() if stop is None else stop, show=show)


def _key_text(key: object | Sequence[object]) -> str:
    return encode_key(key if isinstance(key, list | tuple) else (key,))

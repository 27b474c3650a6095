"""What a person's keys mean, by the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from penstock import wiring
from penstock.errors import JobError
from penstock.insights.keys import FoundKey, find_key
from penstock.ledger.base import ReadModel
from penstock.ledger.states import RowState
from penstock.rows import KeyText, decode_key
from penstock.spec.models import Job

EVERY_STATE = frozenset(RowState)


async def find(job: Job, model: ReadModel, typed: str) -> FoundKey:
    """Raises JobError if no row of the job could have such a key."""

    async def is_known(key: KeyText) -> bool:
        return await model.row(key) is not None

    example = await model.rows(EVERY_STATE, None, 1)
    found = await find_key(typed, is_known=is_known, example=example[0].key if example else None)
    if not found.known and not _could_be(found.key, job):
        raise JobError(f"no row with the key {typed}: it does not fit {', '.join(job.source.key)}")
    return found


def _could_be(key: KeyText, job: Job) -> bool:
    """As many values as the key has columns, and no integer that a database has no column for."""
    values = decode_key(key)
    most = 2**63 if job.source.url.get_secret_value().startswith("sqlite") else 2**64
    return len(values) == len(job.source.key) and all(
        -(2**63) <= value < most for value in values if isinstance(value, int)
    )


async def keys_of(job: Job, typed: Sequence[str]) -> tuple[KeyText, ...]:
    """Several keys at once; the ledger is not opened for none."""
    if not typed:
        return ()
    async with wiring.open_read_model(job) as model:
        return tuple([(await find(job, model, one)).key for one in typed])

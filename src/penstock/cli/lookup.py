"""What a person's keys mean, by the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from penstock import wiring
from penstock.insights.keys import FoundKey, find_key
from penstock.ledger.base import ReadModel
from penstock.ledger.states import RowState
from penstock.rows import KeyText
from penstock.spec.models import Job

EVERY_STATE = frozenset(RowState)


async def find(model: ReadModel, typed: str) -> FoundKey:
    async def is_known(key: KeyText) -> bool:
        return await model.row(key) is not None

    example = await model.rows(EVERY_STATE, None, 1)
    return await find_key(typed, is_known=is_known, example=example[0].key if example else None)


async def keys_of(job: Job, typed: Sequence[str]) -> tuple[KeyText, ...]:
    """Several keys at once; the ledger is not opened for none."""
    if not typed:
        return ()
    async with wiring.open_read_model(job) as model:
        return tuple([(await find(model, one)).key for one in typed])

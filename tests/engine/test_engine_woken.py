"""A worker that was frozen wakes up in a job that has gone on without it, in another way than it would."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.engine.api import Asked, Reply, serving
from tests.engine.shop import open_shop

from penstock.errors import LedgerRefused


@pytest.mark.parametrize(
    ("meanwhile", "says"),
    [
        ("UPDATE penstock_jobs SET file_hash = 'of another version'", "another version of the job file has been run"),
        ("UPDATE penstock_jobs SET generation = generation + 1", "the idempotency keys were renewed"),
        ("DELETE FROM penstock_workers", "the job was reset"),
    ],
    ids=["another file", "other idempotency keys", "a reset"],
)
async def test_a_worker_that_wakes_in_a_job_that_has_changed_sends_nothing_more(
    tmp_path: Path, meanwhile: str, says: str
) -> None:
    never = asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        if asked.number == 3:
            await shop.change(meanwhile)
            await never.wait()  # until its time is over, its heart beats
        return asked.accepted

    async with serving(answer) as api:
        shop = await open_shop(tmp_path, api, delivery="concurrency: 1", total="2s")
        with pytest.raises(LedgerRefused, match=says):
            await shop.run()
        never.set()
    assert api.orders == [1, 2, 3]

"""Every test of the contract runs on MariaDB, PostgreSQL and SQLite: see `database_url`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.ledger.contract.bench import Bench, bench_at, close


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[Bench]:
    """A job whose rows must not be sent twice."""
    bench = await bench_at(database_url)
    yield bench
    await close(bench)


@pytest.fixture
async def idempotent_bench(database_url: str) -> AsyncIterator[Bench]:
    """A job whose rows may be sent again for a day."""
    bench = await bench_at(database_url, idempotent=True)
    yield bench
    await close(bench)

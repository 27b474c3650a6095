"""SQLite alone: one that keeps the file too long is no error of the ledger's."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text
from tests.ledger.contract.bench import (
    BOB,
    SECONDS,
    bench_at,
    close,
    failed,
    imported,
    last_portion,
    marked,
    nothing,
    portion,
    span,
)

from penstock.errors import LedgerUnreachable
from penstock.ledger.rows import Selection
from penstock.ledger.states import RowState


async def test_s35_a_file_that_somebody_keeps_locked_is_out_of_reach_and_not_broken(sqlite_url: str) -> None:
    bench = await bench_at(sqlite_url)
    lease = await span(bench.alice, None, "9")
    impatient = bench.alice._transactions.database.engine
    async with impatient.connect() as connection:
        await connection.execute(text("PRAGMA busy_timeout = 1"))
    async with bench.database.writing():
        with pytest.raises(LedgerUnreachable, match="lock"):
            await bench.alice.settle([portion(lease, 1, imported("1"))], marked)

    await bench.alice.settle([portion(lease, 1, imported("1"))], marked)
    assert await bench.states() == {"1": "imported"}
    await close(bench)


async def test_what_was_taken_or_renewed_since_it_was_looked_at_is_not_leased(sqlite_url: str) -> None:
    bench = await bench_at(sqlite_url)
    first = await span(bench.alice, None, "5")
    second = await span(bench.alice, "5", "9")
    await bench.run_out(second)
    changes = {
        first.range_no: "UPDATE penstock_ranges SET fence = fence + 1, owner = 'carol' WHERE range_no = 1",
        second.range_no: "UPDATE penstock_ranges SET lease_until = '2999-01-01 00:00:00.000' WHERE range_no = 2",
    }

    def meanwhile(_owner: str) -> bool:
        """Asked between looking and leasing: in that moment others act."""
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            for change in changes.values():
                connection.execute(change)
        return True

    assert await bench.bob.lease(BOB, SECONDS, nothing, meanwhile) is None
    await close(bench)


async def test_rows_that_fail_again_during_a_retry_are_not_retried_for_ever(sqlite_url: str) -> None:
    bench = await bench_at(sqlite_url)
    lease = await span(bench.alice, None, "9")
    await bench.alice.settle([last_portion(lease, 1, failed(*map(str, range(1250))))], marked)
    # The quickest of workers: whatever is pending has failed again before the person's next thousand.
    await bench.sql(
        "CREATE TRIGGER again AFTER UPDATE OF state ON penstock_rows WHEN NEW.state = 'pending' "
        "BEGIN UPDATE penstock_rows SET state = 'failed' WHERE row_key = NEW.row_key; END"
    )

    async with asyncio.timeout(20):
        assert await bench.desk.retry(Selection(frozenset({RowState.FAILED})), renew_keys=False) == 1250

    await close(bench)

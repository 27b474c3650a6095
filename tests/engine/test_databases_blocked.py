"""A worker whose event loop stands still for longer than its lease, in a function of the job's author."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.engine.api import serving
from tests.engine.migration import migration

from penstock.events import EventKind
from penstock.ledger.states import RowState

ROWS = range(1, 101)
BLOCKS_AT = 20

# Whoever maps this row first reads from a pipe into which nobody writes, in the middle of the event loop.
FUNCTION = f"""
import os

def to_payload(row):
    if row["id"] == {BLOCKS_AT}:
        try:
            os.rename("may-block", "has-blocked")
        except FileNotFoundError:
            return dict(row)
        open("pipe").read()
    return dict(row)
"""


async def test_p9_a_worker_whose_loop_was_blocked_while_another_took_over_sends_and_overwrites_nothing(
    tmp_path: Path, server_url: str
) -> None:
    """Not on SQLite, where it may stand still in the middle of a write: then the others wait, for the file has one lock."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "may-block").touch()
    (tmp_path / "blocking.py").write_text(FUNCTION)
    async with (
        serving() as api,
        migration(tmp_path, api, server_url, rows=ROWS, total="1s", lease="3001ms") as job,
    ):
        with (tmp_path / "job.yaml").open("a") as file:
            file.write("transform: blocking:to_payload\n")
        late = await job.start()
        with await asyncio.to_thread(open, tmp_path / "pipe", "w"):  # opens when somebody reads
            other = await job.start()
            assert await other.wait() in (0, 1)
            before = await job.rows()
            assert len(before) >= len(ROWS) - BLOCKS_AT
        assert await late.wait() in (0, 1)
        assert sorted(api.orders) == list(ROWS)
        rows = await job.rows()
        assert all(rows[key] == row for key, row in before.items() if row.state is RowState.IMPORTED)
        assert await job.keys(RowState.IMPORTED) == await job.flagged() == set(ROWS) - await job.keys(RowState.IN_DOUBT)
        assert len(await job.events(EventKind.TAKE_OVER)) >= 1
        assert await job.events(EventKind.SENT_TWICE) == []
        await job.check_counters()

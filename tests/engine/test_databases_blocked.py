"""A worker whose event loop stands still for longer than its lease, in a function of the job's author."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from tests.engine.api import serving
from tests.engine.migration import migration

from penstock.events import EventKind
from penstock.ledger.states import RowState

ROWS = range(1, 301)
AT_ONCE = 10

# At each tenth row it reads from a pipe into which nobody writes, in the middle of the event loop.
FUNCTION = f"""
import os

def to_payload(row):
    if row["id"] % {AT_ONCE} == 0 and os.path.exists("may-block"):
        open("pipe").read()
    return dict(row)
"""


async def test_p9_a_worker_whose_loop_was_blocked_while_another_took_over_sends_and_overwrites_nothing(
    tmp_path: Path, server_url: str
) -> None:
    """It must not stand still in the middle of a write: then the others rightly wait for its locks. (So not on SQLite, where it
    often does.)"""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "may-block").touch()
    (tmp_path / "blocking.py").write_text(FUNCTION)
    async with (
        serving() as api,
        migration(
            tmp_path,
            api,
            server_url,
            rows=ROWS,
            total="1s",
            lease="3001ms",
            delivery=f"max_in_doubt: {3 * AT_ONCE}",  # a third of that is mapped at once
        ) as job,
    ):
        with (tmp_path / "job.yaml").open("a") as file:
            file.write("transform: blocking:to_payload\n")
        late = await job.start()
        pipe = await asyncio.to_thread(open, tmp_path / "pipe", "w")  # opens when somebody reads
        while await job.has_open_transactions():
            pipe.close()
            pipe = await asyncio.to_thread(open, tmp_path / "pipe", "w")
        (tmp_path / "may-block").unlink()
        with pipe:
            other = await job.start()
            assert await other.wait() in (0, 1)
            before = await job.rows()
            assert before.keys() == set(ROWS)
        assert await late.wait() in (0, 1)
        assert sorted(api.orders) == list(ROWS)
        rows = await job.rows()
        assert all(rows[key] == row for key, row in before.items() if row.state is RowState.IMPORTED)
        assert await job.keys(RowState.IMPORTED) == await job.flagged() == set(ROWS) - await job.keys(RowState.IN_DOUBT)
        assert len(await job.events(EventKind.TAKE_OVER)) >= 1
        assert await job.events(EventKind.SENT_TWICE) == []
        await job.check_counters()

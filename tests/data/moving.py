"""A whole run over a table of a test's own, in this process: a real database, a real HTTP server, `penstock prepare` and `run`.

The table is `t`; its column `n` numbers the rows, goes out as the body's `id`, and tells the test which row arrived.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.engine.api import Api, Script, accept, serving
from tests.source.worlds import World

from penstock.engine.report import RunOptions, Summary
from penstock.engine.stop import Stop
from penstock.ledger.rows import LedgerRow
from penstock.ledger.states import RowState
from penstock.spec.models import Delivery, Job, Source, Target
from penstock.wiring import open_read_model, prepare_job, run_job


class Move:
    """Made by `moving`. The ledger lies beside the table, which has its flag."""

    def __init__(self, world: World, api: Api, job: Job) -> None:
        self.world = world
        self.api = api
        self.job = job

    async def run(self, options: RunOptions | None = None) -> Summary:
        return await run_job(self.job, options or RunOptions(), Stop())

    async def rows(self) -> Mapping[str, LedgerRow]:
        """All that the ledger knows, by key."""
        async with open_read_model(self.job) as model:
            return {row.key: row for row in await model.rows(frozenset(RowState), None, 100_000)}

    async def flagged(self) -> set[int]:
        return {int(str(n)) for (n,) in await self.world.fetch("SELECT n FROM t WHERE is_import = 1")}

    async def numbers(self) -> set[int]:
        return {int(str(n)) for (n,) in await self.world.fetch("SELECT n FROM t")}

    async def check_that_each_row_arrived_once(self) -> None:
        """Every row of the table was accepted once, is imported in the ledger, and has its flag."""
        summary = await self.run()
        numbers = await self.numbers()
        assert self.api.applied == dict.fromkeys(numbers, 1)
        assert await self.flagged() == numbers
        assert (summary.counts.imported, summary.counts.pending) == (len(numbers), 0)
        assert {row.state for row in (await self.rows()).values()} <= {RowState.IMPORTED}
        again = await self.run()
        assert (again.counts.imported, len(self.api.asked)) == (len(numbers), len(numbers))


@asynccontextmanager
async def moving(
    folder: Path,
    world: World,
    query: str,
    *key: str,
    body: Mapping[str, object] | None = None,
    timezone: str | None = "Asia/Shanghai",
    zero_dates: str = "fail",
    flag: bool = True,
    concurrency: int = 4,
    script: Script = accept,
    **target: object,
) -> AsyncIterator[Move]:
    """target: further settings of that part of the job file."""
    async with serving(script) as api:
        url = str(target.pop("url", "/rows"))
        job = Job(
            name="move",
            source=Source.model_validate(
                {
                    "url": world.url,
                    "query": query,
                    "key": key or ("n",),
                    "flag": {"table": "t"} if flag else None,
                    "timezone": timezone,
                    "zero_dates": zero_dates,
                }
            ),
            target=Target.model_validate({"url": f"http://127.0.0.1:{api.port}{url}", "body": body, **target}),
            delivery=Delivery.model_validate({"concurrency": concurrency, "stop_at": "never"}),
            folder=str(folder),
        )
        await prepare_job(job, undo=False)
        yield Move(world, api, job)

"""Workers in processes of their own that come, go, stand still and die while a test looks on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from tests.engine.api import Api
from tests.engine.migration import Migration

from penstock.ledger.workers import Worker
from penstock.wiring import open_read_model

PATIENCE = 60.0  # seconds for what takes one or two, on a machine that has other things to do
# So that there are some for everybody.
SMALL_RANGES = "penstock.engine.planner.SPAN=100"
# A process that takes itself for one on another machine: that it is dead is nowhere to be seen.
ELSEWHERE = "penstock.engine.owner._pid_namespace=lambda: 'elsewhere'"

Process: TypeAlias = asyncio.subprocess.Process


class Crew:
    """Worker processes of one job. Made by `crew`."""

    def __init__(self, job: Migration, api: Api) -> None:
        self.job = job
        self.api = api
        self.processes: list[Process] = []

    async def start(self, *constants: str, options: Sequence[str] = (), broker: str | None = None) -> Process:
        process = await self.job.start(SMALL_RANGES, *constants, options=options, broker=broker)
        self.processes.append(process)
        return process

    async def alive(self) -> list[Worker]:
        async with open_read_model(self.job.job) as model:
            return [worker for worker in await model.workers() if worker.alive]

    async def until(self, holds: Callable[[list[Worker]], bool]) -> list[Worker]:
        """Wait until this holds of the live workers, as `status` shows them. The API has to be asked meanwhile."""
        async with asyncio.timeout(PATIENCE):
            while not holds(workers := await self.alive()):
                await self.api.until_asked(len(self.api.asked) + 5)
        return workers

    async def until_all_send(self, workers: int) -> None:
        await self.until(
            lambda alive: len(alive) == workers and all(worker.pulse.rows_per_second > 1.0 for worker in alive)
        )

    async def stop(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.terminate()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(process.wait() for process in self.processes))


@asynccontextmanager
async def crew(job: Migration, api: Api) -> AsyncIterator[Crew]:
    it = Crew(job, api)
    try:
        yield it
        await it.stop()
    finally:
        for process in it.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def stop_between_transactions(worker: Process, job: Migration) -> None:
    """A process that stands still within a transaction keeps its locks, and nobody can do anything about that."""
    while True:
        worker.send_signal(signal.SIGSTOP)
        status = Path(f"/proc/{worker.pid}/stat")
        while status.read_text().rpartition(")")[2].split()[0] != "T":  # noqa: ASYNC240  it takes no time
            pass
        if not await job.has_open_transactions():
            return
        worker.send_signal(signal.SIGCONT)

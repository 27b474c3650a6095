"""Workers in processes of their own that come, go and die, as the API sees them: one rate, one bound, one Retry-After."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.engine.api import Api, Asked, Reply, serving
from tests.engine.crew import ELSEWHERE, PATIENCE, crew
from tests.engine.migration import migration

from penstock.engine.heartbeat import BEAT
from penstock.events import EventKind
from penstock.ledger.workers import SILENT

# So many requests a second even a busy machine sends.
RATE = 40
ROWS = range(1, 8001)  # nobody comes to the end of them
# Each worker's bucket holds one request more, and all together what a tenth of a second brings.
SAVED_UP = RATE / 10


async def slowly(asked: Asked) -> Reply:
    await asyncio.sleep(0.05)
    return asked.accepted


async def soon(asked: Asked) -> Reply:
    await asyncio.sleep(0.02)
    return asked.accepted


def sent_since(api: Api, began: float) -> list[float]:
    return [asked.at - began for asked in api.asked if asked.at >= began]


async def test_one_rate_holds_for_all_while_they_come_go_and_die(tmp_path: Path, mariadb_url: str) -> None:
    async with (
        serving(soon) as api,
        migration(tmp_path, api, mariadb_url, rows=ROWS, concurrency=64, delivery=f"rate: {RATE}/s") as job,
        crew(job, api) as workers,
    ):
        began = time.monotonic()
        first, second, third = [await workers.start() for _ in range(3)]
        await workers.until_all_send(3)
        steady = time.monotonic()
        await workers.start()
        await workers.until_all_send(4)
        first.terminate()
        await workers.until_all_send(3)
        second.kill()
        await workers.until_all_send(2)
        # Long enough for two workers' worth of rate to be missed, had the others not taken it over.
        await api.until(lambda: time.monotonic() - steady > 15.0)
        assert third.returncode is None
        await workers.stop()

        # From the first moment on, to each: what is late on its way can only come later.
        sent = sent_since(api, began)
        for number, at in enumerate(sent, start=1):
            assert number <= RATE * at + SAVED_UP + len(workers.processes), f"{number} requests within {at:.3f} s"
        seconds = min(15.0, sent[-1] - (steady - began))
        assert len([at for at in sent if 0 <= at - (steady - began) <= seconds]) >= 0.8 * RATE * seconds
        assert len({asked.order for asked in api.asked}) >= len(api.asked) - 64, (
            "but for those that one was killed with"
        )


async def test_a_worker_that_needs_little_leaves_its_part_of_the_rate_to_the_other(
    tmp_path: Path, mariadb_url: str
) -> None:
    async with (
        serving(soon) as api,
        migration(tmp_path, api, mariadb_url, rows=ROWS, concurrency=64, delivery=f"rate: {RATE}/s") as job,
        crew(job, api) as workers,
    ):
        await workers.start(options=("--rate", "2/s"))
        await workers.until_all_send(1)
        await workers.start()
        # Half of the rate and 2/s were all, had each its even part and no more.
        await workers.until(lambda alive: sum(worker.pulse.rows_per_second for worker in alive) > 0.8 * RATE)
        assert len(await workers.alive()) == 2


async def test_no_more_are_on_the_wire_than_the_job_allows_while_they_come_and_go(
    tmp_path: Path, mariadb_url: str
) -> None:
    async with (
        serving(slowly) as api,
        migration(tmp_path, api, mariadb_url, rows=ROWS, concurrency=5) as job,
        crew(job, api) as workers,
    ):
        first, _ = await workers.start(), await workers.start()
        await workers.until_all_send(2)
        await workers.start()
        await workers.until_all_send(3)
        first.terminate()
        await workers.until_all_send(2)
        await workers.start()
        await workers.until_all_send(3)
        await workers.stop()
        assert api.most_in_flight == 5


async def test_retry_after_that_one_has_heard_is_heeded_by_all(tmp_path: Path, mariadb_url: str) -> None:
    answered: list[float] = []
    seconds, heard = 8.0, 4 * BEAT  # it takes one, and a round trip, on a machine that has nothing else to do

    async def answer(asked: Asked) -> Reply:
        if armed and not answered:
            answered.append(time.monotonic())
            return Reply(429, headers={"Retry-After": f"{seconds:.0f}"})
        return await soon(asked)

    armed = False
    async with (
        serving(answer) as api,
        migration(tmp_path, api, mariadb_url, rows=ROWS, concurrency=64, delivery=f"rate: {RATE}/s") as job,
        crew(job, api) as workers,
    ):
        for _ in range(3):
            await workers.start()
        await workers.until_all_send(3)
        armed = True
        await api.until(lambda: bool(answered) and len(sent_since(api, answered[0] + seconds)) >= 3 * RATE)
        since = sent_since(api, answered[0])
        assert [at for at in since if heard <= at < seconds] == []
        # Nothing was saved up meanwhile, but less than one request each.
        after = [at - seconds for at in since if at >= seconds]
        for number, at in enumerate(after, start=1):
            assert number <= RATE * at + SAVED_UP + 3, f"{number} requests within {at:.3f} s"
        assert [at for at in after[:3] if at < 0.5 / RATE] != after[:3], "not all at once"


async def test_a_worker_elsewhere_that_dies_is_taken_over_within_its_lease_and_five_seconds(
    tmp_path: Path, mariadb_url: str
) -> None:
    lease = 6.0
    async with (
        serving(slowly) as api,
        migration(
            tmp_path, api, mariadb_url, rows=range(1, 101), concurrency=2, total="1s", lease=f"{lease:.0f}s"
        ) as job,
        crew(job, api) as workers,
    ):
        dead = await workers.start(ELSEWHERE)
        await api.until_asked(10)
        dead.kill()
        [worker] = await workers.alive()
        await workers.start()
        async with asyncio.timeout(PATIENCE):
            assert await workers.processes[1].wait() == 1  # done, but for what the dead one had on the wire
        [taken] = await job.events(EventKind.TAKE_OVER)
        silent = (taken.at - worker.seen_at).total_seconds()
        assert lease - 1.0 <= silent <= lease + 5.0, (
            "it could not be proven dead, and its lease was renewed with a heartbeat"
        )


async def test_a_worker_elsewhere_that_dies_leaves_its_part_of_the_rate_within_seconds(
    tmp_path: Path, mariadb_url: str
) -> None:
    """Long before its lease, of a minute, runs out."""
    async with (
        serving(soon) as api,
        migration(tmp_path, api, mariadb_url, rows=ROWS, concurrency=64, delivery=f"rate: {RATE}/s") as job,
        crew(job, api) as workers,
    ):
        dead = await workers.start(ELSEWHERE)
        await workers.until_all_send(1)
        living = await workers.start()
        await workers.until_all_send(2)
        dead.kill()
        await dead.wait()
        seen = await workers.until(
            lambda alive: any(worker.pulse.rows_per_second > 0.8 * RATE and worker.pid != dead.pid for worker in alive)
        )
        assert {worker.pid: worker.silent_for > SILENT for worker in seen} == {dead.pid: True, living.pid: False}


async def test_a_worker_that_is_asked_to_leave_gives_its_ranges_to_the_others(tmp_path: Path, mariadb_url: str) -> None:
    async with (
        serving(slowly) as api,
        migration(
            tmp_path, api, mariadb_url, rows=range(1, 2501), concurrency=20, total="5s", delivery="rate: 200/s"
        ) as job,
        crew(job, api) as workers,
    ):
        leaving, staying = await workers.start(), await workers.start()
        both = await workers.until(lambda alive: len(alive) == 2 and all(worker.ranges for worker in alive))
        leaving.terminate()
        async with asyncio.timeout(5.0 + PATIENCE):
            assert await leaving.wait() == 3
        [left] = await workers.alive()
        gone = {worker.owner for worker in both} - {left.owner}
        held = await job.ask_ledger("SELECT owner FROM penstock_ranges WHERE state = 'leased'")
        assert not gone & {str(owner) for (owner,) in held}
        async with asyncio.timeout(2 * PATIENCE):
            assert await staying.wait() == 0
        assert sorted(asked.order for asked in api.asked) == list(range(1, 2501))
        assert await job.events(EventKind.TAKE_OVER) == []

"""Runs whose ranges RabbitMQ hands out, and workers that wait for it: whatever becomes of messages, each row goes out once."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import pytest
from pydantic import SecretStr
from tests.engine.api import Asked, Reply, Script, always, serving
from tests.engine.migration import Migration, migration
from tests.engine.proxy import proxy_to

from penstock import run
from penstock.engine.report import RunOptions
from penstock.engine.stop import Ended, Stop
from penstock.events import EventKind
from penstock.ledger.states import RowState
from penstock.spec.models import Job
from penstock.transport import dead_letters
from penstock.transport.base import Broker
from penstock.transport.rabbitmq import open_broker
from penstock.transport.topology import topology_of
from penstock.wiring.working import work_for

NOBODY = "amqp://127.0.0.1:1/"  # a port that nobody listens on
PATIENCE = 25.0
ROWS = range(1, 6001)  # six ranges


@asynccontextmanager
async def tapped(job: Migration, url: str) -> AsyncIterator[Broker]:
    """The broker of the job, as one more of its workers has it."""
    [(key,)] = await job.ask_ledger("SELECT signing_key FROM penstock_jobs")
    broker = await open_broker(url, job.job.name, bytes.fromhex(str(key)), 10)
    try:
        yield broker
    finally:
        await broker.aclose()


async def delete_queue(url: str, job: Migration) -> None:
    [(key,)] = await job.ask_ledger("SELECT signing_key FROM penstock_jobs")
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(topology_of(job.job.name, bytes.fromhex(str(key))).queue)


async def all_once(job: Migration, orders: Sequence[int], rows: range = ROWS) -> None:
    assert Counter(orders) == Counter(rows)
    assert await job.keys(RowState.IMPORTED) == set(rows)
    await job.check_counters()


async def until(job: Migration, query: str, wanted: int) -> None:
    """Until the ledger answers with at least so much."""
    for _ in range(int(PATIENCE / 0.05)):
        if int(str((await job.ask_ledger(query))[0][0])) >= wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{query} does not come to {wanted}")


def once_there_are(workers: int, job: Migration) -> Script:
    """After the first rows nothing is answered until so many workers have joined."""
    has_come = asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        if asked.number == 50:
            await until(job, "SELECT COUNT(*) FROM penstock_workers", workers)
            has_come.set()
        elif asked.number > 50:
            await has_come.wait()
        return asked.accepted

    return answer


async def test_b1_a_run_whose_broker_is_not_there_finds_its_ranges_in_the_ledger(
    tmp_path: Path, mariadb_url: str
) -> None:
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=range(1, 1501)) as job:
        summary = await job.run(broker=NOBODY)

        assert summary.ended is Ended.DONE
        await all_once(job, api.orders, range(1, 1501))


async def test_b1_a_waiting_worker_without_its_broker_takes_part_in_a_run_that_lives(
    tmp_path: Path, mariadb_url: str
) -> None:
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=ROWS, total="60s", concurrency=8) as job:
        stop = Stop()
        api.script = once_there_are(2, job)
        helping = asyncio.create_task(first_stretch(job, NOBODY, stop))
        summary = await job.run(broker=NOBODY)
        helped = await helping

        assert (summary.ended, helped) == (Ended.DONE, Ended.DONE)
        await all_once(job, api.orders)


async def first_stretch(job: Migration, broker: str, stop: Stop) -> Ended | None:
    """How the first stretch of a waiting worker's work ended; None: there was none."""
    async for summary in work_for(
        lambda: job.job, broker, RunOptions(), stop, begin=lambda _: lambda _: None, tell=lambda _: None
    ):
        stop.drain()
        return summary.ended
    return None


@pytest.mark.parametrize("idempotent", [True, False])
async def test_b5_what_a_run_begins_waiting_workers_share(
    tmp_path: Path, server_url: str, amqp_url: str, idempotent: bool
) -> None:
    async with (
        serving() as api,
        migration(tmp_path, api, server_url, rows=ROWS, total="60s", concurrency=12, idempotent=idempotent) as job,
    ):
        api.script = once_there_are(3, job)
        workers = [await job.start(command="work", broker=amqp_url) for _ in range(2)]
        summary = await run(job.job, broker=amqp_url)  # as in a program of one's own

        assert summary.ended is Ended.DONE
        await all_once(job, api.orders)
        assert len(await job.ask_ledger("SELECT DISTINCT owner FROM penstock_events WHERE kind = 'run_started'")) == 3
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(worker.wait(), PATIENCE) == 3


async def test_b5_doubled_messages_lease_nothing_twice(tmp_path: Path, mariadb_url: str, amqp_url: str) -> None:
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=ROWS, total="60s", concurrency=8) as job:

        async def answer(asked: Asked) -> Reply:
            if asked.number in (10, 500, 2000):
                async with tapped(job, amqp_url) as broker:
                    assert await broker.publish([1, 2, 3, 4, 5, 6] * 20) == 120
            return asked.accepted

        api.script = answer
        summaries = await asyncio.gather(job.run(broker=amqp_url), job.run(broker=amqp_url))

        assert [summary.ended for summary in summaries] == [Ended.DONE] * 2
        await all_once(job, api.orders)


@pytest.mark.parametrize("harm", ["purge", "delete"])
async def test_b15_b18_what_the_broker_lost_is_published_again(
    tmp_path: Path, mariadb_url: str, amqp_url: str, harm: str
) -> None:
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=ROWS, total="60s", concurrency=8) as job:

        async def answer(asked: Asked) -> Reply:
            if asked.number % 400 == 0:
                async with tapped(job, amqp_url) as broker:
                    if harm == "purge":
                        await broker.purge()
                    else:
                        await delete_queue(amqp_url, job)
            return asked.accepted

        api.script = answer
        summaries = await asyncio.gather(job.run(broker=amqp_url), job.run(broker=amqp_url))

        assert [summary.ended for summary in summaries] == [Ended.DONE] * 2
        await all_once(job, api.orders)


async def test_a_stale_message_wakes_nobody(tmp_path: Path, mariadb_url: str, amqp_url: str) -> None:
    """For one that is done a worker would walk through the whole source."""
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=range(1, 1501)) as job:
        await job.run(broker=amqp_url)
        before = await job.ask_ledger("SELECT COUNT(*) FROM penstock_events")
        stop = Stop()
        waiting = asyncio.create_task(first_stretch(job, amqp_url, stop))
        async with tapped(job, amqp_url) as broker:
            await broker.publish([1, 2, 1, 77])
        async with asyncio.timeout(PATIENCE):
            while True:
                async with tapped(job, amqp_url) as broker:
                    if await broker.depth() == 0 and await broker.take(0.3) is None:
                        break
        stop.drain()

        assert await waiting is None
        assert await job.ask_ledger("SELECT COUNT(*) FROM penstock_events") == before
        await all_once(job, api.orders, range(1, 1501))


async def test_a_run_that_stops_early_calls_nobody(tmp_path: Path, mariadb_url: str, amqp_url: str) -> None:
    """What is too much for one worker must not be begun again by the next that hears of it."""
    async with (
        serving() as api,
        migration(tmp_path, api, mariadb_url, rows=ROWS, total="60s", concurrency=4, stop_at="5%") as job,
    ):
        is_published = asyncio.Event()

        async def answer(asked: Asked) -> Reply:
            if asked.number == 1:
                await until_messages_wait(job, amqp_url)
                is_published.set()
            await is_published.wait()
            return Reply(422)

        api.script = answer
        summary = await job.run(broker=amqp_url)

        assert summary.ended is Ended.STOP_AT
        async with tapped(job, amqp_url) as broker:
            assert await broker.take(1.0) is None
        assert len(api.orders) < len(ROWS) / 2


async def until_messages_wait(job: Migration, url: str) -> None:
    """Of which nobody has been given any: as many as the run takes at once are with it by then."""
    [(key,)] = await job.ask_ledger("SELECT signing_key FROM penstock_jobs")
    for _ in range(int(PATIENCE / 0.1)):
        waiting, _put_aside = await dead_letters.depths(url, job.job.name, bytes.fromhex(str(key)))
        if waiting:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("no message waits")


async def test_a_waiting_worker_that_stopped_early_is_not_called_back_by_those_who_go_on(
    tmp_path: Path, mariadb_url: str, amqp_url: str
) -> None:
    """Each time it would fail as many rows as `stop_at` allows."""
    go = asyncio.Event()

    async def slowly(asked: Asked) -> Reply:
        if not go.is_set():
            await asyncio.sleep(0.02)
        return asked.accepted

    async with (
        serving(slowly) as api,
        serving(always(Reply(422))) as bad_api,
        migration(tmp_path, api, mariadb_url, rows=range(1, 12_001), concurrency=4, stop_at="20") as job,
    ):
        bad = SecretStr(job.job.target.url.get_secret_value().replace(str(api.port), str(bad_api.port)))
        unlucky = job.job.model_copy(update={"target": job.job.target.model_copy(update={"url": bad})})
        stop, stretches = Stop(), asyncio.Queue[Ended]()
        helping = asyncio.create_task(all_stretches(unlucky, amqp_url, stop, stretches))
        run = asyncio.create_task(job.run(broker=amqp_url))
        first = await asyncio.wait_for(stretches.get(), PATIENCE)
        async with tapped(job, amqp_url) as broker:
            for _ in range(2):
                number = await broker.take(PATIENCE)
                assert number is not None, "the run has what was given back handed out again"
                broker.done(number)
        go.set()
        summary = await run
        stop.drain()
        await helping

        assert (summary.ended, first) == (Ended.DONE, Ended.STOP_AT)
        assert stretches.empty()
        assert len(bad_api.orders) < 30


async def all_stretches(job: Job, broker: str, stop: Stop, ended: asyncio.Queue[Ended]) -> None:
    async for summary in work_for(
        lambda: job, broker, RunOptions(), stop, begin=lambda _: lambda _: None, tell=lambda _: None
    ):
        ended.put_nowait(summary.ended)


async def test_a_file_that_changes_while_a_worker_waits_is_read_anew(
    tmp_path: Path, mariadb_url: str, amqp_url: str
) -> None:
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=ROWS, total="60s", concurrency=8) as job:
        api.script = once_there_are(2, job)
        worker = await job.start(command="work", broker=amqp_url)
        await until(job, "SELECT COUNT(*) FROM penstock_jobs WHERE signing_key <> ''", 1)  # it has read the file

        job.change_file("first: 1ms", "first: 2ms")
        summary = await asyncio.wait_for(job.run(broker=amqp_url), 2 * PATIENCE)

        assert summary.ended is Ended.DONE
        await all_once(job, api.orders)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), PATIENCE) == 3


async def test_a_ledger_that_was_made_anew_is_found_by_workers_that_wait(
    tmp_path: Path, mariadb_url: str, amqp_url: str
) -> None:
    """Its job has another key, and so another queue."""
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=ROWS, total="60s", concurrency=8) as job:
        api.script = once_there_are(2, job)
        worker = await job.start("penstock.wiring.working.RARELY=0.5", command="work", broker=amqp_url)
        await until(job, "SELECT COUNT(*) FROM penstock_jobs WHERE signing_key <> ''", 1)

        await job.change_ledger("UPDATE penstock_jobs SET signing_key = ''")
        summary = await asyncio.wait_for(job.run(broker=amqp_url), 2 * PATIENCE)

        assert summary.ended is Ended.DONE
        await all_once(job, api.orders)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), PATIENCE) == 3


async def test_the_oldest_worker_goes_on_planning_when_the_run_is_killed(
    tmp_path: Path, mariadb_url: str, amqp_url: str
) -> None:
    async with (
        serving() as api,
        migration(tmp_path, api, mariadb_url, rows=ROWS, total="60s", concurrency=8, idempotent=True) as job,
    ):
        api.script = once_there_are(2, job)
        run = await job.start(command="run", broker=amqp_url)
        worker = await job.start(command="work", broker=amqp_url)
        await until(job, "SELECT COUNT(*) FROM penstock_workers", 2)
        run.kill()
        await run.wait()

        await until(job, "SELECT COUNT(*) FROM penstock_rows WHERE state = 'imported'", len(ROWS))
        await until(job, f"SELECT COUNT(*) FROM penstock_events WHERE kind = '{EventKind.RUN_ENDED}'", 1)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), PATIENCE) == 3
        assert set(api.orders) == set(ROWS)
        await job.check_counters()


async def test_a_worker_that_is_asked_to_leave_gives_its_ranges_to_the_others(
    tmp_path: Path, mariadb_url: str, amqp_url: str
) -> None:
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=ROWS, total="60s", concurrency=8) as job:
        worker = await job.start(command="work", broker=amqp_url)
        has_left = asyncio.Event()

        async def answer(asked: Asked) -> Reply:
            if asked.number == 50:
                await until(job, "SELECT COUNT(DISTINCT owner) FROM penstock_ranges WHERE state = 'leased'", 2)
                worker.send_signal(signal.SIGTERM)
                has_left.set()
            elif not has_left.is_set():
                await asyncio.sleep(0.05)  # slowly, until the other one has a range
            return asked.accepted

        api.script = answer
        summary = await job.run(broker=amqp_url)

        assert await asyncio.wait_for(worker.wait(), PATIENCE) == 3
        assert summary.ended is Ended.DONE
        await all_once(job, api.orders)
        assert not await job.events(EventKind.TAKE_OVER), "nobody had to wait for a lease to run out"


KILLERS = (400, 1400, 2400)


async def test_b9_a_row_that_kills_its_worker_takes_no_other_with_it(
    tmp_path: Path, mariadb_url: str, amqp_url: str
) -> None:
    """Each time many messages are in the worker's hands, and none of them is put aside for it."""
    rows = range(1, 3001)
    async with serving() as api, migration(tmp_path, api, mariadb_url, rows=rows, concurrency=8) as job:
        worker: asyncio.subprocess.Process | None = None

        async def answer(asked: Asked) -> Reply | None:
            if asked.order in KILLERS and worker is not None:
                worker.kill()
                return None
            return asked.accepted

        api.script = answer
        for _ in range(len(KILLERS) + 1):
            worker = await job.start("penstock.wiring.broker.RANGES_IN_HAND=50", broker=amqp_url)
            code = await asyncio.wait_for(worker.wait(), PATIENCE)
            if code >= 0:
                break

        assert code == 1, "the last one ends by itself"
        assert len(api.orders) == len(set(api.orders))
        doubtful = await job.keys(RowState.IN_DOUBT)
        assert set(KILLERS) <= doubtful
        assert set(rows) - set(api.orders) <= doubtful, "on the wire by then, as far as the journal knows"
        assert len(doubtful) <= len(KILLERS) * 8, "what was on the wire, and nothing else"
        assert await job.keys(RowState.IMPORTED) == set(rows) - doubtful
        [(key,)] = await job.ask_ledger("SELECT signing_key FROM penstock_jobs")
        assert await dead_letters.count(amqp_url, job.job.name, bytes.fromhex(str(key))) == 0
        await job.check_counters()


async def test_b13_a_worker_cut_off_from_the_ledger_alone_leaves_its_ranges_to_the_others(
    tmp_path: Path, mariadb_url: str, sqlite_url: str, amqp_url: str
) -> None:
    async with (
        serving() as api,
        proxy_to(mariadb_url) as proxy,
        migration(
            tmp_path,
            api,
            sqlite_url,
            rows=ROWS,
            ledger=mariadb_url,
            ledger_through=proxy,
            concurrency=8,
            total="1s",
            lease="3001ms",
        ) as job,
    ):

        async def answer(asked: Asked) -> Reply:
            if asked.number == 100:
                proxy.cut()
            return asked.accepted

        api.script = answer
        late = asyncio.create_task(job.run(broker=amqp_url))
        await proxy.until_turned_away(1)
        other = await job.run_directly(broker=amqp_url)
        proxy.heal()
        await late

        assert other.ended is Ended.DONE
        assert len(api.orders) == len(set(api.orders)) >= len(ROWS) - 300, (
            "but what was in windows, everything, and once"
        )
        assert await job.keys(RowState.IMPORTED) == set(api.orders)
        assert await job.keys(RowState.IN_DOUBT) == set(ROWS) - set(api.orders)
        assert len(await job.events(EventKind.TAKE_OVER)) >= 1
        await job.check_counters()

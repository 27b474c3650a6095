"""`penstock work`: a worker that waits until a broker has something for it, works while there is work, and waits again.

While it waits it holds no connection to a database and is no worker of the job: the job's file may change, and is read anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import nullcontext, suppress
from random import Random

from penstock.engine.owner import is_dead
from penstock.engine.report import Progress, RunOptions, Summary
from penstock.engine.stop import Stop
from penstock.errors import Unreachable
from penstock.ledger.opening import open_ledger, read_model
from penstock.pacing.backoff import full_jitter
from penstock.spec.models import Job
from penstock.transport.base import Broker
from penstock.wiring.broker import opened_broker
from penstock.wiring.databases import open_ledger_database
from penstock.wiring.running import run_job

LOOK = 5.0  # seconds between looks into the ledger while the broker does not answer
STALE = 0.2  # seconds in which the next message comes, if there is one


async def work_for(
    load: Callable[[], Job],
    url: str,
    options: RunOptions,
    stop: Stop,
    *,
    begin: Callable[[str], Callable[[Progress], None]],
    tell: Callable[[str], None],
) -> AsyncGenerator[Summary]:
    """What each stretch of work came to, until `stop` is asked. load: reads the job's file. begin: called with the job's name
    when work begins; what it returns is called about once a second. tell: hears what keeps the worker from
    its work. Raises JobError if a person must change something first; whatever does not answer is tried again."""
    tries, random = 0, Random()
    while not stop.is_asked:
        try:
            summary = await _work_once(load(), url, options, stop, begin)
        except Unreachable as error:
            tries += 1
            tell(str(error))
            await stop.asked_within(1.0 + full_jitter(tries, 1.0, 30.0, random))
        else:
            tries = 0
            if summary is not None:
                yield summary


async def _work_once(
    job: Job, url: str, options: RunOptions, stop: Stop, begin: Callable[[str], Callable[[Progress], None]]
) -> Summary | None:
    """Wait for work, and do it. None: there was none after all, or the worker was asked to stop."""
    async with opened_broker(url, job, await _signing_key(job)) as broker:
        if not await _has_work(job, broker, stop):
            return None
        return await run_job(job, options, stop.turn(), show=begin(job.name), open_broker=lambda _: nullcontext(broker))


async def _signing_key(job: Job) -> bytes:
    async with open_ledger_database(job) as database:
        return await (await open_ledger(database, job.name)).signing_key()


async def _has_work(job: Job, broker: Broker, stop: Stop) -> bool:
    """Wait until there is a range that may be leased, or the worker is asked to stop. Messages for ranges that are done, or in
    other hands, are cleared away: a whole sweep would be walked for one of them."""
    while not stop.is_asked:
        await _message_or(stop, broker)
        if stop.is_asked:
            return False
        async with open_ledger_database(job) as database:
            if broker.trouble:
                # Without a message nobody has asked for work but a run that is there.
                model = await read_model(database, job.name, is_dead=is_dead)
                if any(worker.alive for worker in await model.workers()):
                    return True
            elif await (await open_ledger(database, job.name)).free(1, "", is_dead):
                return True
            else:
                while (number := await broker.take(STALE)) is not None:
                    broker.done(number)
    return False


async def _message_or(stop: Stop, broker: Broker) -> None:
    """Wait for a message, for the word to stop, or, while the broker does not answer, for a while."""
    waits = [asyncio.ensure_future(broker.wait()), asyncio.ensure_future(stop.asked())]
    try:
        while True:
            done, _ = await asyncio.wait(waits, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            if done or broker.trouble:
                return
    finally:
        for wait in waits:
            wait.cancel()
        for wait in waits:
            with suppress(asyncio.CancelledError):
                await wait

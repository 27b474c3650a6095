"""`penstock work`: a worker that waits until a broker has something for it, works while there is work, and waits again.

While it waits it holds no connection to a database and is no worker of the job: the job's file may change, and is read anew when
there is work. A worker that stopped because of what it saw stands aside until those who were at work beside it have ended: they
go on calling, and whoever came back would fail as many rows again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import nullcontext, suppress
from random import Random

from penstock.engine.owner import is_dead
from penstock.engine.report import Progress, RunOptions, Summary
from penstock.engine.stop import Ended, Stop
from penstock.errors import PenstockError, Unreachable
from penstock.ledger.opening import open_ledger, read_model
from penstock.pacing.backoff import full_jitter
from penstock.spec.models import Job
from penstock.transport.base import Broker
from penstock.wiring.broker import opened_broker
from penstock.wiring.databases import open_ledger_database
from penstock.wiring.running import run_job

LOOK = 5.0  # seconds between looks into the ledger while the broker does not answer
RARELY = 60.0  # seconds between looks whether the file and the ledger are still those whose messages it waits for
STALE = 0.2  # seconds in which the next message comes, if there is one

_STAND_ASIDE = (Ended.STOP_AT, Ended.GAVE_UP)


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
    tries, random, stands_aside = 0, Random(), False
    while not stop.is_asked:
        try:
            if stands_aside:
                await _until_others_ended(load(), stop)
                stands_aside = False
            summary = await _work_once(load, url, options, stop, begin)
        except Unreachable as error:
            tries += 1
            tell(str(error))
            await stop.asked_within(1.0 + full_jitter(tries, 1.0, 30.0, random))
        else:
            tries = 0
            if summary is not None:
                stands_aside = summary.ended in _STAND_ASIDE
                yield summary


async def _until_others_ended(job: Job, stop: Stop) -> None:
    """Wait until none is alive of the workers that are so now. Those of a run that a person begins meanwhile do not count."""
    others: set[str] | None = None
    while not stop.is_asked:
        async with open_ledger_database(job) as database:
            model = await read_model(database, job.name, is_dead=is_dead)
            alive = {worker.owner for worker in await model.workers() if worker.alive}
        others = alive if others is None else others & alive
        if not others:
            return
        await stop.asked_within(LOOK)


async def _work_once(
    load: Callable[[], Job],
    url: str,
    options: RunOptions,
    stop: Stop,
    begin: Callable[[str], Callable[[Progress], None]],
) -> Summary | None:
    """Wait for work, and do it. None: there was none after all, or all is to be opened anew, or the worker was asked to stop."""
    job = load()
    signing_key = await _signing_key(job)
    async with opened_broker(url, job, signing_key) as broker:
        if not await _has_work(load, job, signing_key, broker, stop):
            return None
        now = load()
        if now.file_hash != job.file_hash:
            return None
        return await run_job(now, options, stop.turn(), show=begin(now.name), open_broker=lambda _: nullcontext(broker))


async def _signing_key(job: Job) -> bytes:
    async with open_ledger_database(job) as database:
        return await (await open_ledger(database, job.name)).signing_key()


async def _is_another(load: Callable[[], Job], job: Job, signing_key: bytes) -> bool:
    """Whether the file has changed, or the ledger was made anew: then messages come by another queue. What keeps it from being
    told matters to whoever begins to work."""
    with suppress(PenstockError):
        now = load()
        return now.file_hash != job.file_hash or await _signing_key(now) != signing_key
    return False


async def _has_work(load: Callable[[], Job], job: Job, signing_key: bytes, broker: Broker, stop: Stop) -> bool:
    """Wait until there is a range that may be leased; False: the worker is asked to stop, or waits for the wrong messages.
    Messages for ranges that are done, or in other hands, are cleared away: a whole sweep would be walked for one of them."""
    while not stop.is_asked:
        has_come = await _message_or(stop, broker)
        if stop.is_asked:
            return False
        if not has_come and not broker.trouble:
            if await _is_another(load, job, signing_key):
                return False
            continue
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


async def _message_or(stop: Stop, broker: Broker) -> bool:
    """Wait for a message, for the word to stop, or, while the broker does not answer, for a while. False: nothing came, now or
    for long."""
    waits = [asyncio.ensure_future(broker.wait()), asyncio.ensure_future(stop.asked())]
    try:
        for _ in range(max(1, round(RARELY / LOOK))):
            done, _ = await asyncio.wait(waits, timeout=min(LOOK, RARELY), return_when=asyncio.FIRST_COMPLETED)
            if done or broker.trouble:
                return bool(done)
        return False
    finally:
        for wait in waits:
            wait.cancel()
        for wait in waits:
            with suppress(asyncio.CancelledError):
                await wait

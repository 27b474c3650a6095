"""One worker of a job, put together and run."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from functools import partial
from random import Random

from penstock.clock import SystemClock
from penstock.engine.notices import PATIENCE, Notifier
from penstock.engine.owner import host_name, is_dead, new_owner, ran_since_boot
from penstock.engine.parts import Parts, Settings
from penstock.engine.reader import ASKED_FOR
from penstock.engine.report import Progress, RunOptions, Summary
from penstock.engine.stop import Ended, Stop
from penstock.engine.worker import Task, work
from penstock.errors import JobError, LedgerUnreachable
from penstock.ledger.base import Ledger
from penstock.ledger.journal import Journal
from penstock.ledger.opening import open_ledger, read_model
from penstock.ledger.rows import Settlement
from penstock.ledger.workers import Identity, JobRecord
from penstock.pacing.bucket import TokenBucket
from penstock.pacing.limits import AdaptiveLimit
from penstock.pacing.mishaps import WINDOW
from penstock.pacing.pace import Pace
from penstock.source.fingerprint import fingerprint_without
from penstock.source.open import open_source
from penstock.source.reader import SqlSource
from penstock.spec.models import Job
from penstock.target.wire import parse_target_url
from penstock.transport.base import Broker
from penstock.transport.polling import PollingBell
from penstock.wiring.broker import BrokerOpener
from penstock.wiring.databases import Databases, journal_folder, open_databases
from penstock.wiring.flags import desk_of, marker_of, writer_of
from penstock.wiring.notices import is_last, notifier_of, refuse_without_broker, refuse_without_exchange
from penstock.wiring.probing import doubts_ahead, probe_address, probing_of, sender_to
from penstock.wiring.rehearsal import rehearse
from penstock.wiring.requests import classifier, idempotency_keys, request_renderer

# After such an end no message may call a waiting worker: there is nothing to do, or a person has to look first.
_CALLS_NOBODY = (Ended.DONE, Ended.STOP_AT, Ended.GAVE_UP, Ended.FAILED)


def settings_of(job: Job) -> Settings:
    target, delivery = job.target, job.delivery
    concurrency = delivery.max_concurrency if delivery.concurrency == "auto" else delivery.concurrency
    return Settings(
        idempotent=target.idempotent,
        idempotent_for=target.idempotent_for,
        attempts=delivery.attempts,
        first_backoff=delivery.backoff.first,
        longest_backoff=delivery.backoff.max,
        total_timeout=delivery.timeout.total,
        lease=job.ledger.lease,
        max_in_doubt=delivery.max_in_doubt,
        concurrency=concurrency,
        adapts=delivery.concurrency == "auto",
        max_concurrency=delivery.max_concurrency,
        rate=math.inf if delivery.rate is None else delivery.rate,
        give_up_after=delivery.give_up_after,
        stop_at=delivery.stop_at.of(WINDOW),
        refuses_flagged=job.source.flag is not None and job.source.flag.existing == "refuse",
    )


def pace_of(job: Job, random: Random) -> Pace:
    delivery = job.delivery
    return Pace(
        limit=AdaptiveLimit(delivery.max_concurrency),
        bucket=TokenBucket(math.inf, asyncio.get_running_loop().time()),
        first_wait=delivery.backoff.first,
        longest_wait=delivery.backoff.max,
        random=random,
    )


async def run_job(
    job: Job,
    options: RunOptions,
    stop: Stop,
    *,
    show: Callable[[Progress], None] | None = None,
    open_broker: BrokerOpener | None = None,
) -> Summary:
    """Deliver until nothing is pending, `stop` is asked to drain, or what `options` bounds is reached.

    show: called about once a second. open_broker: of what hands the ranges out; None: they are found in the ledger alone.
    Raises JobError if a person must change something first, Unreachable if the source or the ledger does not answer; what was on
    the wire has then been settled as far as the ledger could be reached.
    """
    began = time.monotonic()
    if open_broker is None:
        refuse_without_broker(job)
    async with open_databases(job) as databases, AsyncExitStack() as opened:
        source = await open_source(job, databases.source)
        await rehearse(job, databases, source, options.keys)
        ledger = await open_ledger(databases.ledger, job.name, is_dead=is_dead)
        broker = None
        if open_broker is not None:
            broker = await opened.enter_async_context(open_broker(await ledger.signing_key()))
            await refuse_without_exchange(job, broker)
        owner = new_owner()
        identity = identity_of(job, source.identity)
        record = await ledger.join(identity, owner, host_name(), os.getpid(), by_broker=broker is not None)
        try:
            keys = idempotency_keys(job, record.generation)
            notifier = None if broker is None else notifier_of(job, source, ledger, keys, broker)
            task = await _task(ledger, options)
            async with _assembled(job, databases, source, ledger, record, owner, broker, notifier) as parts:
                tally = await work(parts, task, stop, show)
        finally:
            if broker is not None and stop.ended in _CALLS_NOBODY:
                await broker.purge()
            with suppress(LedgerUnreachable):
                await ledger.leave(owner, stop.detail or stop.ended)
        model = await read_model(databases.ledger, job.name, is_dead=is_dead)
        if notifier is not None and await is_last(model):
            await _tell_the_rest(notifier, stop)
        return Summary(
            job=job.name,
            ended=stop.ended,
            detail=stop.detail,
            counts=await model.counts(),
            causes=tuple(await model.causes()),
            tally=tally,
            seconds=time.monotonic() - began,
            doubts=await doubts_ahead(job, model),
        )


async def _tell_the_rest(notifier: Notifier, stop: Stop) -> None:
    untold = await notifier.tell_the_rest(math.inf if stop.ended in (Ended.DONE, Ended.LIMIT) else PATIENCE)
    if untold:
        stop.leave_open(f"{untold:,} failed or in-doubt rows are still to be told of: the broker takes no messages")


def identity_of(job: Job, source: str) -> Identity:
    return Identity(
        name=job.name,
        source=source,
        key=job.source.key,
        file_hash=job.file_hash,
        idempotent=job.target.idempotent,
        writes_windows=settings_of(job).writes_windows,
    )


async def _task(ledger: Ledger, options: RunOptions) -> Task:
    only = None
    if options.keys:
        _, only = await ledger.add_keys(options.keys, lease=None, reason=ASKED_FOR)
        if only is None:
            raise JobError(
                f"{' '.join(options.keys)}: the ledger has a final state for each of these rows; "
                "`penstock show FILE KEY` tells which, `penstock retry FILE --key KEY` makes a failed one pending again"
            )
    return Task(
        only=only,
        limit=options.limit,
        rate=math.inf if options.rate is None else options.rate,
        seconds=options.seconds,
    )


@asynccontextmanager
async def _assembled(
    job: Job,
    databases: Databases,
    source: SqlSource,
    ledger: Ledger,
    record: JobRecord,
    owner: str,
    broker: Broker | None,
    notifier: Notifier | None,
) -> AsyncIterator[Parts]:
    clock, random, settings = SystemClock(), Random(), settings_of(job)
    address = parse_target_url(job.target.url)
    flags = writer_of(job, source.plan.flag, clock)
    async with AsyncExitStack() as opened:
        journal = None
        if settings.writes_windows:
            journal = opened.enter_context(closing(Journal(journal_folder(databases.ledger), job.name, owner)))
        sender = sender_to(job, address, before=None if journal is None else journal.flush)
        opened.push_async_callback(sender.aclose)
        keys = idempotency_keys(job, record.generation)
        probing = None
        if job.target.probe is not None:
            # On connections of its own: the deliveries' stay as warm as they are.
            asking = sender_to(job, probe_address(job.target.probe))
            opened.push_async_callback(asking.aclose)
            probing = probing_of(job, job.target.probe, source.columns, keys, clock, asking)
        yield Parts(
            owner=owner,
            file_hash=job.file_hash,
            generation=record.generation,
            settings=settings,
            source=source,
            ledger=ledger,
            sender=sender,
            render=request_renderer(job, source.columns, keys),
            classify=classifier(job, source.columns, clock),
            fingerprint=fingerprint_without(source.plan.own),
            mark=marker_of(flags, databases),
            flag_desk=desk_of(flags, databases),
            journal=journal,
            recall=_nothing_known if journal is None else partial(_recall, journal),
            is_dead=is_dead,
            pace=pace_of(job, random),
            bell=PollingBell(),
            clock=clock,
            random=random,
            probing=probing,
            broker=broker,
            notifier=notifier,
        )


def _recall(journal: Journal, owner: str, range_no: int, fence: int) -> Sequence[Settlement]:
    """After a power cut the file may lack its last lines, and among them that a row went out: what came back still holds."""
    known = journal.recall(owner, range_no, fence)
    return known if ran_since_boot(owner) else [settlement for settlement in known if settlement.state.is_final]


def _nothing_known(owner: str, range_no: int, fence: int) -> Sequence[Settlement]:
    """An idempotent job simply sends again."""
    return ()

"""Failed rows as messages: what they say, when a job may send them, and which worker sends the last ones."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import orjson

from penstock.engine.idempotency import IdempotencyKeys
from penstock.engine.notices import Notifier
from penstock.errors import JobError, RowError
from penstock.insights.keys import json_key
from penstock.ledger.base import Ledger, ReadModel
from penstock.ledger.rows import Notice
from penstock.mapping.mapper import Mapper
from penstock.rows import Row
from penstock.source.reader import SqlSource
from penstock.spec.models import Job
from penstock.target.secrets import secrets_in, without_secrets
from penstock.transport.base import Broker, Message

VERSION = 1
MOST_PAYLOAD = 1024 * 1024  # bytes: brokers refuse messages that are too large, and take nothing that comes after them
# A worker that has not been heard of for so long while this one listened is gone: others tell of themselves each second.
SILENCE = 5.0
LOOK = 0.5


def refuse_without_broker(job: Job) -> None:
    """Raises JobError for a job that no run without a broker can do."""
    if job.delivery.notices is not None:
        raise JobError(
            "delivery.notices tells others of failed rows by a broker, and none is given: add --broker amqp://..., or leave "
            "delivery.notices out"
        )


async def refuse_without_exchange(job: Job, broker: Broker) -> None:
    """Raises JobError if the broker is there and the exchange is not."""
    if job.delivery.notices is not None:
        await broker.publish_to(job.delivery.notices.exchange, ())


def notifier_of(job: Job, source: SqlSource, ledger: Ledger, keys: IdempotencyKeys, broker: Broker) -> Notifier | None:
    """None: the job tells nobody."""
    notices = job.delivery.notices
    if notices is None:
        return None
    payload = Payload(job, source.columns, keys) if notices.payload else None
    return Notifier(
        ledger,
        None if payload is None else source,
        partial(broker.publish_to, notices.exchange),
        partial(message_of, job.name, payload),
        time=asyncio.get_running_loop().time,
    )


async def is_last(model: ReadModel) -> bool:
    """For a worker that has left: whether no other is there to tell of rows. One that leaves later sees to it itself."""
    seen = {worker.owner: worker.seen_at for worker in await model.workers() if worker.alive}
    ends_at = asyncio.get_running_loop().time() + SILENCE
    while seen and asyncio.get_running_loop().time() < ends_at:
        await asyncio.sleep(LOOK)
        now = {worker.owner: worker.seen_at for worker in await model.workers()}
        if any(now.get(owner) != at for owner, at in seen.items()):
            return False
    return True


def message_of(job: str, payload: Payload | None, notice: Notice, row: Row | None) -> Message:
    """The same row in the same state gives the same message_id, whoever tells of it."""
    moment = notice.updated_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    body = {
        "v": VERSION,
        "job": job,
        "key": json_key(notice.key),
        "state": notice.state.value,
        "status": notice.status,
        "reason": notice.reason,
        "attempts": notice.attempts,
        "updated_at": moment,
        **({} if payload is None else payload.of(row)),
    }
    named = "\x00".join((job, notice.key, moment)).encode("utf-8", "surrogatepass")
    return Message(
        message_id=hashlib.blake2b(named, digest_size=16).hexdigest(),
        routing_key=f"{job}.{notice.state.value}",
        body=orjson.dumps(body),
    )


class Payload:
    """The body of a row's request, made anew: neither its headers nor its URL, and no variable of the job file."""

    def __init__(self, job: Job, columns: Sequence[str], keys: IdempotencyKeys) -> None:
        self._mapper = Mapper(job, columns)
        self._keys = keys
        self._secrets = secrets_in(job.target.headers, job.secrets)
        # Other rows may hold the same words, and are told as they are.
        texts = tuple(_texts(job.target.body))
        self._in_body = [secret for secret in self._secrets if any(secret in text for text in texts)]

    def of(self, row: Row | None) -> Mapping[str, object]:
        """payload, or payload_error: why there is none."""
        if row is None:
            return _error("the query shows no row with this key now")
        try:
            mapped = self._mapper.map(row, self._keys.of(row.key))
        except RowError as error:
            return _error(without_secrets(str(error), self._secrets))
        if mapped is None:
            return _error("the mapping skips this row now")
        if len(mapped.body) > MOST_PAYLOAD:
            return _error(f"the body has {len(mapped.body):,} bytes; at most {MOST_PAYLOAD:,} go into a message")
        return self._shown(mapped.body) if mapped.body else {"payload": None}

    def _shown(self, body: bytes) -> Mapping[str, object]:
        if not self._in_body:
            return {"payload": orjson.Fragment(body)}
        shown = without_secrets(body.decode(), self._in_body)
        try:
            return {"payload": orjson.loads(shown)}
        except orjson.JSONDecodeError:
            return _error("the body cannot be shown without a secret that is in it")


def _error(why: str) -> Mapping[str, object]:
    return {"payload_error": why}


def _texts(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, Mapping):
        for key, value in document.items():
            yield from _texts(key)
            yield from _texts(value)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from _texts(value)

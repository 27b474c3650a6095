"""Joining and leaving: a worker is let in if the job is still the same job, and is known to the others while it lives."""

from __future__ import annotations

import json
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from penstock.errors import LedgerRefused
from penstock.events import EventKind
from penstock.ledger.agreeing import agree
from penstock.ledger.base import IsDead
from penstock.ledger.dialect import LedgerDialect
from penstock.ledger.eventlog import EventLog
from penstock.ledger.events import Event
from penstock.ledger.statements import statement
from penstock.ledger.transactions import Transactions
from penstock.ledger.workers import ADOPTING, Identity, JobRecord

# How long a worker counts as alive before its first heartbeat tells how often it beats.
FIRST_SECONDS = 60.0

# Locked: of two files that join at the same time the second sees the first.
_JOB = (
    "SELECT source, key_columns, file_hash, idempotent, generation FROM penstock_jobs WHERE job_id = :job {for_update}"
)

# A job that was idempotent for ever wrote no windows, and one that was for a while sends again what may have been applied: nobody
# can tell which of these rows that are, or since when.
_IS_UNFINISHED = statement("SELECT 1 FROM penstock_ranges WHERE job_id = :job AND state IN ('open', 'leased') LIMIT 1")

_IDENTIFY = statement(
    "UPDATE penstock_jobs SET source = :source, key_columns = :key, file_hash = :file_hash, idempotent = :idempotent "
    "WHERE job_id = :job"
)

_OTHER_FILES = (
    "SELECT owner, host, pid, file_hash FROM penstock_workers "
    "WHERE job_id = :job AND file_hash <> :file_hash AND owner <> :owner AND alive_until > {now}"
)

_OTHER_VERSIONS = (
    "SELECT owner, host, pid, version FROM penstock_workers "
    "WHERE job_id = :job AND version <> :worker_version AND owner <> :owner AND alive_until > {now} ORDER BY started_at, owner"
)

_REGISTER = """
INSERT INTO penstock_workers (job_id, owner, host, pid, version, file_hash, by_broker, started_at, seen_at, alive_until)
VALUES (:job, :owner, :host, :pid, :worker_version, :file_hash, :by_broker, {now}, {now}, {later})
"""

_IS_REGISTERED = statement("SELECT 1 FROM penstock_workers WHERE job_id = :job AND owner = :owner")

# `status` shows the silent ones for a day.
_FORGET_OLD = "DELETE FROM penstock_workers WHERE job_id = :job AND seen_at < {a_day_ago}"

_FORGET = statement("DELETE FROM penstock_workers WHERE job_id = :job AND owner = :owner")

_NEVER, _FOR_EVER, _FOR_A_WHILE = range(3)  # a repeat is harmless, as stored


class Joining:
    def __init__(
        self,
        transactions: Transactions,
        dialect: LedgerDialect,
        job_id: int,
        name: str,
        events: EventLog,
        is_dead: IsDead,
    ) -> None:
        self._transactions = transactions
        self._job_id = job_id
        self._name = name
        self._events = events
        self._is_dead = is_dead
        self._job = dialect.statement(_JOB)
        self._other_files = dialect.statement(_OTHER_FILES)
        self._other_versions = dialect.statement(_OTHER_VERSIONS)
        self._register = dialect.statement(_REGISTER)
        self._forget_old = dialect.statement(_FORGET_OLD)

    async def join(
        self, identity: Identity, owner: str, host: str, pid: int, *, version: str, by_broker: bool
    ) -> JobRecord:
        """See Ledger.join."""
        join = partial(
            self._join, identity=identity, owner=owner, host=host, pid=pid, version=version, by_broker=by_broker
        )
        return await self._transactions.write(join)

    async def _join(
        self,
        connection: AsyncConnection,
        identity: Identity,
        owner: str,
        host: str,
        pid: int,
        version: str,
        by_broker: bool,
    ) -> JobRecord:
        named = {"job": self._job_id, "owner": owner}
        source, key, file_hash, idempotent, generation = (await connection.execute(self._job, named)).one()
        if source:
            self._refuse_another(identity, source, json.loads(key))
        if (idempotent and not identity.idempotent) or (idempotent == _FOR_EVER and identity.writes_windows):
            await self._refuse_unfinished(connection)
        if file_hash != identity.file_hash:
            await self._refuse_mixture(connection, identity, owner)
        beside = await self._other_version(connection, owner, version)
        await connection.execute(
            _IDENTIFY,
            {
                **named,
                "source": identity.source,
                "key": json.dumps(identity.key),
                "file_hash": identity.file_hash,
                "idempotent": _stored(identity),
            },
        )
        if (await connection.execute(_IS_REGISTERED, named)).first() is None:
            worker = {
                **named,
                "host": host,
                "pid": pid,
                "worker_version": version,
                "file_hash": identity.file_hash,
                "by_broker": int(by_broker),
                "seconds": FIRST_SECONDS,
            }
            await connection.execute(self._register, worker)
            await connection.execute(self._forget_old, named)
            events = [Event(EventKind.RUN_STARTED, f"{host}, pid {pid}, job file {identity.file_hash}")]
            if file_hash not in ("", ADOPTING, identity.file_hash):
                events.append(Event(EventKind.JOB_FILE_CHANGED, f"from {file_hash} to {identity.file_hash}"))
            if beside:
                events.append(Event(EventKind.VERSIONS_DIFFER, f"penstock {version} beside {beside}"))
            await self._events.append(connection, events, owner)
        return JobRecord(generation)

    def _refuse_another(self, identity: Identity, source: str, key: list[str]) -> None:
        if source != identity.source:
            raise LedgerRefused(
                f"the ledger knows job {self._name!r} with another source (server, database or the key's table): set source.url "
                "and source.query back, give this job another name, or `penstock reset FILE --yes` to forget what was done"
            )
        if key != list(identity.key):
            raise LedgerRefused(
                f"the ledger knows job {self._name!r} by the key {', '.join(key)}, the file says {', '.join(identity.key)}: "
                "set source.key back, give this job another name, or `penstock reset FILE --yes` to forget what was done"
            )

    async def _refuse_unfinished(self, connection: AsyncConnection) -> None:
        if (await connection.execute(_IS_UNFINISHED, {"job": self._job_id})).first() is not None:
            raise LedgerRefused(
                f"job {self._name!r} was run with another idempotent and has unfinished rows that may have been sent already: "
                "set it back, finish the job so and then change it; or forget what was done: `penstock reset FILE --yes`"
            )

    async def _refuse_mixture(self, connection: AsyncConnection, identity: Identity, owner: str) -> None:
        others = await connection.execute(
            self._other_files, {"job": self._job_id, "file_hash": identity.file_hash, "owner": owner}
        )
        for other, host, pid, file_hash in others:
            if self._is_dead(other):
                continue
            if file_hash == ADOPTING:
                raise LedgerRefused(
                    f"the ledger of job {self._name!r} is being filled by `penstock verify --adopt` (pid {pid} on {host}): let "
                    "that end first, for a run would send what is still to be adopted"
                )
            raise LedgerRefused(
                f"job {self._name!r} is being run from another version of its file (pid {pid} on {host}): stop it first, "
                f"or start this one again once that worker has been silent for a minute"
            )

    async def _other_version(self, connection: AsyncConnection, owner: str, version: str) -> str:
        """The first live worker of another version, in a few words; "" if there is none. Raises LedgerRefused if they do not
        agree."""
        others = await connection.execute(
            self._other_versions, {"job": self._job_id, "worker_version": version, "owner": owner}
        )
        alive = [(theirs, f"pid {pid} on {host}") for other, host, pid, theirs in others if not self._is_dead(other)]
        for theirs, place in alive:
            if not agree(version, theirs):
                raise LedgerRefused(
                    f"job {self._name!r} is being run by penstock {theirs} ({place}), and this is penstock {version}: versions "
                    "to which a job file may mean different things do not share a job. Install the same version here, or stop "
                    "that worker first"
                )
        return next((f"{theirs} ({place})" for theirs, place in alive if theirs), "")

    async def leave(self, owner: str, detail: str) -> None:
        """See Ledger.leave."""

        async def write(connection: AsyncConnection) -> None:
            if (await connection.execute(_FORGET, {"job": self._job_id, "owner": owner})).rowcount:
                await self._events.append(connection, [Event(EventKind.RUN_ENDED, detail)], owner)

        await self._transactions.write(write)


def _stored(identity: Identity) -> int:
    if not identity.idempotent:
        return _NEVER
    return _FOR_A_WHILE if identity.writes_windows else _FOR_EVER

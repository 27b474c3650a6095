"""A verification of a job, put together: source, ledger, flags and the new store."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Protocol
from zoneinfo import ZoneInfo

from penstock.clock import SystemClock
from penstock.database.connect import open_database
from penstock.engine.owner import is_dead
from penstock.ledger.base import ReadModel
from penstock.ledger.desk import people_desk
from penstock.ledger.opening import read_model
from penstock.source.fingerprint import fingerprint_without
from penstock.source.flag_states import FlagStates
from penstock.source.key_finder import KeyFinder
from penstock.source.open import open_source
from penstock.source.reader import SqlSource
from penstock.source.records import open_records
from penstock.source.whole import WholeSource
from penstock.spec.models import Job, Verify
from penstock.verify.base import Store
from penstock.verify.equality import Comparison
from penstock.verify.examine import Examiner
from penstock.verify.findings import Finding, Progress
from penstock.verify.judge import Judge
from penstock.verify.reconcile import SECOND_LOOK_AFTER, Reconciliation, Scope
from penstock.verify.repair import Repaired, Repairs
from penstock.wiring.asking import expectation_of, open_api
from penstock.wiring.databases import Databases, open_databases
from penstock.wiring.flags import desk_of, writer_of

# The new store's connections: two pages are looked up at once at the most.
CONNECTIONS = 4
# What a document's moment holds.
MILLISECOND = timedelta(milliseconds=1)


class OpenStore(Store, Protocol):
    """A store with what its adapters tell besides."""

    async def scanned(self) -> str | None:
        """What each look-up goes through from end to end; None if an index serves it, or nothing is known."""
        ...

    async def aclose(self) -> None: ...


class Verification:
    """One verification of a job. store: the new store's name, "" if there is none to look into. warnings: what makes it slow or
    blunt, for people. finds_extra: whether the new store shows what it has beyond the rows."""

    def __init__(
        self,
        job: Job,
        databases: Databases,
        source: SqlSource,
        model: ReadModel,
        reconciliation: Reconciliation,
        warnings: Sequence[str],
        *,
        store: str,
        finds_extra: bool,
    ) -> None:
        self.store = store
        self.warnings = tuple(warnings)
        self.finds_extra = finds_extra
        self._job = job
        self._databases = databases
        self._source = source
        self._model = model
        self._reconciliation = reconciliation
        self._repairs = Repairs()

    @property
    def progress(self) -> Progress:
        return self._reconciliation.progress

    async def findings(self, scope: Scope) -> AsyncGenerator[Finding]:
        """Everything that is wrong, as it is found. Close it (`aclosing`). Raises Unreachable, JobError."""
        async with aclosing(self._reconciliation.findings(scope)) as found:
            async for finding in found:
                self._repairs.note(finding)
                yield finding

    async def fix(self, *, is_sure: bool, renew_keys: bool = False) -> Repaired:
        """Mend what was found so far: see Repairs.make."""
        flags = desk_of(writer_of(self._job, self._source.plan.flag, SystemClock()), self._databases)
        desk = people_desk(self._databases.ledger, self._job.name, is_dead=is_dead)
        return await self._repairs.make(
            self._model,
            desk,
            flags,
            still_missing=self._reconciliation.still_missing,
            is_sure=is_sure,
            renew_keys=renew_keys,
        )

    def close(self) -> None:
        self._repairs.close()


@asynccontextmanager
async def open_verification(job: Job, *, second_look_after: float | None = None) -> AsyncIterator[Verification]:
    """second_look_after: seconds; None: as usual. Raises JobError if a person must change something first (LedgerMissing among
    them), Unreachable."""
    async with AsyncExitStack() as opened:
        databases = await opened.enter_async_context(open_databases(job))
        model = await read_model(databases.ledger, job.name, is_dead=is_dead)
        source = await open_source(job, databases.source)
        rows = WholeSource(source, KeyFinder(databases.source, source.plan))
        store, expected, warnings = None, None, []
        if job.verify is not None:
            expected = expectation_of(job, job.verify, source.columns)
            store = await open_store(job, job.verify, expected.fields)
            opened.push_async_callback(store.aclose)
            if (scanned := await store.scanned()) is not None:
                warnings.append(
                    f"{', '.join(job.verify.key)} has no index in {store.name}: every look-up goes through {scanned} "
                    "from end to end; add one, and this takes a fraction of the time"
                )
            if not store.walks:
                warnings.append(
                    f"{store.name} is asked about each row, and so nothing shows what it has beyond them: extra records are not "
                    "looked for; a list of all of them (verify.records) would show them"
                )
        examine = Examiner(
            ledger=model,
            flags=None if source.plan.flag is None else FlagStates(databases.source, source.plan.flag),
            store=store,
            expected=expected,
            judge=Judge(() if expected is None else expected.fields, _comparison(job.verify)),
            fingerprint=fingerprint_without(source.plan.own),
        )
        reconciliation = Reconciliation(
            rows,
            model,
            store,
            examine,
            computes_key=expected is not None and expected.computes_key,
            random=Random(),
            second_look_after=SECOND_LOOK_AFTER if second_look_after is None else second_look_after,
        )
        finds_extra = store is not None and store.walks
        name = "" if store is None else store.name
        verification = Verification(
            job, databases, source, model, reconciliation, warnings, store=name, finds_extra=finds_extra
        )
        opened.callback(verification.close)
        yield verification


async def open_store(job: Job, verify: Verify, fields: Sequence[str]) -> OpenStore:
    """fields: what is read of its records. Raises JobError, StoreUnreachable."""
    if verify.is_of_api:
        return open_api(job, verify, fields, SystemClock())
    if verify.is_of_documents:
        from penstock.documents.mongodb import open_collection  # noqa: PLC0415  # a driver is loaded for a store of its kind
        from penstock.documents.whole import WholeCollection  # noqa: PLC0415

        collection = open_collection(verify, fields, folder=job.folder)
        try:
            return collection if await collection.serves_keys() else WholeCollection(collection)
        except BaseException:
            await collection.aclose()
            raise
    database = open_database(verify.url, folder=job.folder, connections=CONNECTIONS)
    try:
        return await open_records(verify, database, fields)
    except BaseException:
        await database.aclose()
        raise


def _comparison(verify: Verify | None) -> Comparison:
    if verify is None:
        return Comparison()
    zone = ZoneInfo(verify.timezone) if verify.timezone else None
    return Comparison(zone, MILLISECOND) if verify.is_of_documents else Comparison(zone)

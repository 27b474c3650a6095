"""`penstock check` and `penstock show`: everything a run needs, looked at; nothing sent, nothing written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from penstock.database.connect import Database
from penstock.engine.owner import is_dead
from penstock.errors import JobError, LedgerMissing, PenstockError, RowError
from penstock.insights.check import CheckReport, Finding, Grade, Sample
from penstock.insights.findings import of_answers, of_error, of_notices, of_size, of_store, of_target
from penstock.insights.requests import RenderedRequest, safe_request
from penstock.insights.source_findings import of_source, of_twins
from penstock.insights.text_findings import of_texts
from penstock.ledger.opening import read_model
from penstock.ledger.states import RowState
from penstock.mapping.expectation import Expectation
from penstock.mapping.mapper import Mapper
from penstock.rows import KeyText, Row
from penstock.source.double_encoding import find_double_encoded
from penstock.source.flag_trial import refuse_data, refuse_without_right
from penstock.source.inspect import find_twins, inspect_source
from penstock.source.open import open_source
from penstock.source.reader import SqlSource
from penstock.spec.models import Job
from penstock.target.wire import TargetAddress, parse_target_url
from penstock.wiring.databases import open_databases
from penstock.wiring.probing import URL as PROBE_URL
from penstock.wiring.probing import probe_address, probe_renderer, sender_to
from penstock.wiring.requests import idempotency_keys, request_renderer
from penstock.wiring.verifying import open_store

SAMPLES = 10
# So many rows are looked at for what many of them together show.
FIRST_ROWS = 1000
# Where the query leaves most keys out, the first rows lie far behind the first keys.
MOST_SPANS = 20
SPAN = 1000


async def check_job(job: Job, *, file: str, deep: bool) -> CheckReport:
    """Every subject is looked at, whatever is wrong with the others. deep: prove by a scan that the key is unique.

    file: the job file as the person wrote it, for the lines they may type.
    """
    async with open_databases(job) as databases:
        findings, keys = await _look_at_source(job, databases.source, file=file, deep=deep)
        findings.append(await _look_at_ledger(job, databases.ledger, file=file))
        findings += await _look_at_target(job)
        findings += of_answers(job.target)
        findings += of_notices(job.delivery.notices)
        findings.append(of_size(keys, job.delivery.rate))
        samples: Sequence[Sample] = ()
        try:
            source = await open_source(job, databases.source, with_flag=False)
            rows = await _first_rows(source)
            twice = find_double_encoded(source.columns, rows)
            findings += of_texts(twice, rows=len(rows), kind=databases.source.kind)
            samples = _samples(job, source, rows[:SAMPLES])
            findings += await _look_at_store(job, source)
        except PenstockError as error:
            findings.append(of_error("mapping", error))
        return CheckReport(job.name, _once(findings), tuple(samples))


async def show_requests(job: Job, key: KeyText) -> tuple[RenderedRequest, RenderedRequest | None]:
    """The request of one row as the source is now, and how to ask the API about it, if the job says how and the row makes that.
    Raises JobError if the query does not show the row, RowError if it does not map, and what reading raises."""
    async with open_databases(job) as databases:
        source = await open_source(job, databases.source, with_flag=False)
        rows = await source.read_keys([key])
        if key not in rows:
            raise JobError(f"the query shows no row with the key {key} now")
        model = await read_model(databases.ledger, job.name, is_dead=is_dead)
        renderer = _Renderer(job, source, await model.generation())
        request = renderer.render(rows[key])
        if request is None:
            raise JobError(f"the mapping skips the row {key}")
        with suppress(RowError):
            return request, renderer.render_probe(rows[key])
        return request, None


class _Renderer:
    """Requests as people may see them."""

    def __init__(self, job: Job, source: SqlSource, generation: int) -> None:
        keys = idempotency_keys(job, generation)
        self._render = request_renderer(job, source.columns, keys)
        self._origin = _origin(parse_target_url(job.target.url))
        probe = job.target.probe
        self._render_probe = None if probe is None else probe_renderer(job, probe, source.columns, keys)
        self._probe_origin = "" if probe is None else _origin(probe_address(probe))
        self._secrets = {name: value.get_secret_value() for name, value in job.secrets.items()}
        self._per_row = frozenset(name.lower() for name in Mapper(job, source.columns).row_headers)

    def render(self, row: Row) -> RenderedRequest | None:
        wire = self._render(row)
        if wire is None:
            return None
        return safe_request(wire, origin=self._origin, secrets=self._secrets, per_row=self._per_row)

    def render_probe(self, row: Row) -> RenderedRequest | None:
        """None: the job has no probe."""
        if self._render_probe is None:
            return None
        wire = self._render_probe(row)
        return safe_request(wire, origin=self._probe_origin, secrets=self._secrets, per_row=self._per_row)


def _origin(address: TargetAddress) -> str:
    return f"{'https' if address.tls else 'http'}://{address.authority}"


async def _look_at_source(job: Job, database: Database, *, file: str, deep: bool) -> tuple[list[Finding], int | None]:
    try:
        facts = await inspect_source(job, database)
        findings = of_source(facts, file=file)
        if facts.flag is not None and not any(
            finding.grade is Grade.PROBLEM and finding.subject in ("flag", "rights") for finding in findings
        ):
            findings += await _look_at_flag(job, database)
        if deep:
            findings.append(of_twins(await find_twins(job, database)))
    except PenstockError as error:
        return [of_error("source", error)], None
    return findings, facts.estimated_rows


async def _look_at_flag(job: Job, database: Database) -> list[Finding]:
    try:
        flag = (await open_source(job, database)).plan.flag
        if flag is not None:
            await refuse_data(database, flag)
            await refuse_without_right(database, flag)
    except PenstockError as error:
        return [of_error("flag", error)]
    return []


async def _look_at_ledger(job: Job, database: Database, *, file: str) -> Finding:
    try:
        model = await read_model(database, job.name, is_dead=is_dead)
        counts = await model.counts()
        await model.rows(frozenset(RowState), None, 1)  # a table that is not there
    except LedgerMissing:
        return Finding("ledger", Grade.PROBLEM, f"{database.address} holds no ledger yet", f"penstock prepare {file}")
    except PenstockError as error:
        return of_error("ledger", error)
    done = counts.imported + counts.failed + counts.in_doubt + counts.skipped
    return Finding("ledger", Grade.OK, f"{database.address}, {done:,} rows of this job have ended")


async def _look_at_target(job: Job) -> list[Finding]:
    """And at where the API is asked about rows in doubt, if that is another place."""
    try:
        addresses = {parse_target_url(job.target.url): "target.url"}
        if job.target.probe is not None:
            addresses.setdefault(probe_address(job.target.probe), PROBE_URL)
        return [await _look_at(job, address, path) for address, path in addresses.items()]
    except PenstockError as error:
        return [of_error("target", error)]


async def _look_at(job: Job, address: TargetAddress, path: str) -> Finding:
    sender = sender_to(job, address)
    began = time.monotonic()
    trouble = await sender.connect()
    seconds = time.monotonic() - began
    await sender.aclose()
    return of_target(f"{address.host}:{address.port}", trouble, seconds, tls=address.tls, path=path)


async def _look_at_store(job: Job, source: SqlSource) -> list[Finding]:
    """A run does without it, and it may not be there yet."""
    if job.verify is None:
        return []
    try:
        store = await open_store(job, job.verify, Expectation(job.verify, source.columns).fields)
        try:
            return [of_store(store.name, store.key, await store.scanned())]
        finally:
            await store.aclose()
    except PenstockError as error:
        return [Finding("verify", Grade.WARNING, str(error))]


def _samples(job: Job, source: SqlSource, rows: Sequence[Row]) -> Sequence[Sample]:
    renderer = _Renderer(job, source, generation=1)
    return [_sample(renderer, row, with_probe=number == 0) for number, row in enumerate(rows)]


def _sample(renderer: _Renderer, row: Row, *, with_probe: bool) -> Sample:
    try:
        return Sample(row.key, renderer.render(row), probe=renderer.render_probe(row) if with_probe else None)
    except RowError as error:
        return Sample(row.key, error=str(error))


async def _first_rows(source: SqlSource) -> Sequence[Row]:
    rows: list[Row] = []
    after: KeyText | None = None
    for _ in range(MOST_SPANS):
        span = await source.next_keys(after, SPAN)
        if span.last is None:
            break
        page = await source.read_span(after, span.last, FIRST_ROWS - len(rows))
        rows += page.rows
        if not page.at_end or span.at_end or len(rows) == FIRST_ROWS:
            break
        after = span.last
    return rows


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """What keeps the source from being read keeps the first rows from being mapped: it is said once."""
    return tuple({finding.text: finding for finding in reversed(findings)}.values())[::-1]

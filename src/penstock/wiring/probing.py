"""Asking about rows in doubt: the job file's `target.probe` made into requests and verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.clock import Clock
from penstock.engine.idempotency import IdempotencyKeys
from penstock.engine.parts import Probing
from penstock.errors import RowError
from penstock.ledger.base import ReadModel
from penstock.ledger.rows import DoubtsAhead
from penstock.mapping.probe import ProbeMapper
from penstock.mapping.rules import compile_probe_rules
from penstock.rows import Row
from penstock.spec.expressions import has_expression
from penstock.spec.models import Job, Probe
from penstock.target.base import Outcome, Sender
from penstock.target.http import HttpSender
from penstock.target.probe import ProbeRules, judge_probe
from penstock.target.secrets import secrets_in, without_secrets
from penstock.target.tls import tls_context
from penstock.target.verdicts import ProbeVerdict
from penstock.target.wire import RequestWriter, TargetAddress, parse_target_url

URL = "target.probe.url"


def probe_address(probe: Probe) -> TargetAddress:
    """Raises JobError."""
    return parse_target_url(probe.url, URL)


def probe_renderer(job: Job, probe: Probe, columns: Sequence[str], keys: IdempotencyKeys) -> Callable[[Row], bytes]:
    """Raises JobError if the probe cannot be used with these columns. What it returns raises RowError."""
    mapper = ProbeMapper(job.target, probe, columns)
    writer = RequestWriter(
        "GET", probe_address(probe), mapper.static_headers, row_headers=mapper.row_headers, adds_key=False
    )
    secrets = secrets_in(job.target.headers, job.secrets)

    def render(row: Row) -> bytes:
        key = keys.of(row.key)
        try:
            mapped = mapper.map(row, key)
            return writer.render(mapped.target, mapped.headers, key, b"")
        except RowError as error:
            raise RowError(without_secrets(str(error), secrets), column=error.column) from error

    return render


def probe_judge(job: Job, probe: Probe, columns: Sequence[str], clock: Clock) -> Callable[[Outcome, Row], ProbeVerdict]:
    rules = ProbeRules(
        judge=compile_probe_rules(probe, columns),
        url_has_expression=has_expression(probe.url.get_secret_value()),
        secrets=secrets_in(job.target.headers, job.secrets),
        credentials=secrets_in(job.target.headers, {}),
    )

    def judge(outcome: Outcome, row: Row) -> ProbeVerdict:
        return judge_probe(outcome, rules, row, clock.now())

    return judge


def sender_to(job: Job, address: TargetAddress, *, before: Callable[[], None] | None = None) -> HttpSender:
    """A sender of its own, with the job's TLS files and timeouts. before: as HttpSender has it. Close it."""
    timeout = job.delivery.timeout
    return HttpSender(
        address,
        tls=tls_context(job.target.tls) if address.tls else None,
        connect_timeout=timeout.connect,
        total_timeout=timeout.total,
        before=before,
    )


def probing_of(
    job: Job, probe: Probe, columns: Sequence[str], keys: IdempotencyKeys, clock: Clock, sender: Sender
) -> Probing:
    """sender: to the probe's address. Raises JobError."""
    return Probing(
        sender=sender,
        render=probe_renderer(job, probe, columns, keys),
        judge=probe_judge(job, probe, columns, clock),
        after=probe.after,
    )


async def doubts_ahead(job: Job, model: ReadModel) -> DoubtsAhead | None:
    """None: the job has no probe."""
    probe = job.target.probe
    return None if probe is None else await model.doubts(job.delivery.timeout.total + probe.after)


def rehearse_probe(job: Job, columns: Sequence[str], keys: IdempotencyKeys, clock: Clock) -> None:
    """Raises JobError for a probe that cannot be used."""
    probe = job.target.probe
    if probe is not None:
        if probe_address(probe).tls:
            tls_context(job.target.tls)
        probe_renderer(job, probe, columns, keys)
        probe_judge(job, probe, columns, clock)

"""From a row to the bytes of its request, and from an answer to its verdict: mapping and target tied together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from penstock.clock import Clock
from penstock.engine.idempotency import IdempotencyKeys
from penstock.errors import RowError
from penstock.mapping.mapper import Mapper
from penstock.mapping.rules import compile_rules
from penstock.rows import Row
from penstock.spec.expressions import has_expression
from penstock.spec.models import Job
from penstock.target.base import Outcome
from penstock.target.classify import Rules, classify
from penstock.target.secrets import secrets_in, without_secrets
from penstock.target.verdicts import Verdict
from penstock.target.wire import RequestWriter, parse_target_url


def idempotency_keys(job: Job, generation: int) -> IdempotencyKeys:
    return IdempotencyKeys(job.name, job.target.url.get_secret_value(), generation)


def request_renderer(job: Job, columns: Sequence[str], keys: IdempotencyKeys) -> Callable[[Row], bytes | None]:
    """Raises JobError if the job's mapping cannot be used with these columns."""
    mapper = Mapper(job, columns)
    writer = RequestWriter(
        job.target.method,
        parse_target_url(job.target.url),
        mapper.static_headers,
        row_headers=mapper.row_headers,
    )

    secrets = secrets_in(job.target.headers, job.secrets)

    def render(row: Row) -> bytes | None:
        key = keys.of(row.key)
        try:
            mapped = mapper.map(row, key)
        except RowError as error:
            # A function of the user's may say anything, and the reason is stored with the row.
            raise RowError(without_secrets(str(error), secrets), column=error.column) from error
        return None if mapped is None else writer.render(mapped.target, mapped.headers, key, mapped.body)

    return render


def classifier(job: Job, columns: Sequence[str], clock: Clock) -> Callable[[Outcome, Row], Verdict]:
    rules = Rules(
        judge=compile_rules(job, columns),
        not_applied=job.target.not_applied,
        has_accept=job.target.accept is not None,
        url_has_expression=has_expression(job.target.url.get_secret_value()),
        secrets=secrets_in(job.target.headers, job.secrets),
        credentials=secrets_in(job.target.headers, {}),
    )

    return partial(classify, rules=rules, now=clock.now)

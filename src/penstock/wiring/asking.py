"""The API itself as the new store: mapping and target tied together, so that `verify` can look into it by GETs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from penstock.clock import Clock
from penstock.mapping.asking import Question, compile_record_judge, headers_of
from penstock.mapping.expectation import Expectation
from penstock.rows import Row
from penstock.spec.expressions import expression_names
from penstock.spec.models import Job, Verify
from penstock.target.asker import PAUSES, Asker
from penstock.target.base import Outcome
from penstock.target.listed import ListedRecords
from penstock.target.record_fields import Fields
from penstock.target.records import AskedRecords, plain
from penstock.target.secrets import secrets_in, without_secrets
from penstock.target.told import Reading, ReadingRules, read_outcome
from penstock.target.wire import RequestWriter, TargetAddress, parse_target_url
from penstock.wiring.probing import sender_to

CONCURRENCY = 8


class AskedExpectation(Expectation):
    """As the job says; and a key that has no place in the address is a key that cannot be told."""

    def __init__(self, job: Job, verify: Verify, columns: Sequence[str]) -> None:
        super().__init__(verify, columns)
        self._question = Question(verify, job.target)

    def key(self, row: Row, receipt: str | None) -> tuple[object, ...]:
        """The values of `verify.key`. Raises RowError."""
        key = super().key(row, receipt)
        self._question.map(plain(key))
        return key


def expectation_of(job: Job, verify: Verify, columns: Sequence[str]) -> Expectation:
    """Raises JobError for an expression that cannot be used with these columns."""
    if verify.is_of_api and not verify.is_list:
        return AskedExpectation(job, verify, columns)
    return Expectation(verify, columns)


def open_api(
    job: Job, verify: Verify, fields: Sequence[str], clock: Clock, *, pauses: Sequence[float] = PAUSES
) -> AskedRecords | ListedRecords:
    """Nothing is asked yet. fields: dotted names of what to read of a document besides its key. Raises JobError."""
    address = parse_target_url(verify.url, "verify.url")
    question = Question(verify, job.target)
    writer = RequestWriter("GET", address, question.static_headers, row_headers=question.key_headers, adds_key=False)
    asker = _asker(job, verify, address, clock, pauses)
    if not verify.is_list:

        def render_key(key: tuple[object, ...]) -> bytes:
            mapped = question.map(plain(key))
            return writer.render(mapped.target, mapped.headers, "", b"")

        return AskedRecords(asker, render_key, Fields(verify.key, fields))
    has_cursor = "cursor" in expression_names(verify.url.get_secret_value())
    return ListedRecords(
        asker,
        address,
        first=question.map("").target.decode("ascii"),
        render=lambda target: writer.render(target, (), "", b""),
        cursor_target=(lambda cursor: question.map(cursor).target) if has_cursor else None,
        fields=Fields(verify.key, fields),
    )


def _asker(job: Job, verify: Verify, address: TargetAddress, clock: Clock, pauses: Sequence[float]) -> Asker:
    secrets = secrets_in({**job.target.headers, **headers_of(verify, job.target)}, job.secrets)
    rules = ReadingRules(compile_record_judge(verify), verify.is_list, secrets)

    def read(outcome: Outcome, key: object) -> Reading:
        return read_outcome(outcome, rules, key, clock.now())

    return Asker(
        sender_to(job, address),
        read,
        _name(verify, address, secrets),
        concurrency=1 if verify.is_list else verify.concurrency or CONCURRENCY,
        pauses=pauses,
    )


def _name(verify: Verify, address: TargetAddress, secrets: Sequence[str]) -> str:
    """Host and path: what follows may be secret."""
    path = re.sub(r"^[^/?]*//[^/?]*", "", verify.url.get_secret_value()).partition("?")[0]
    return without_secrets(address.authority + path, secrets)

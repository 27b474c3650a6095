"""The answer expressions: what the job file says that an answer means. One that fails does not hold; it never fails the row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from penstock.mapping.answer import AnswerView
from penstock.mapping.compiled import Part
from penstock.mapping.scope import Scope, answer_scope
from penstock.rows import Row
from penstock.spec.answers import Judge, Judged, Probed, ProbeJudge, Ruling
from penstock.spec.expressions import expression_names
from penstock.spec.models import Job, Probe
from penstock.spec.wire import to_text

# As long as the ledger's column.
MAX_RECEIPT = 255

Expression: TypeAlias = Callable[[AnswerView, Sequence[object]], object]


def compile_rules(job: Job, columns: Sequence[str]) -> Judge:
    """The job's answer expressions as one function. Raises JobError for one that cannot be used with these columns."""
    scope = answer_scope(columns)
    target = job.target
    already_exists = compile_rule(target.already_exists, "target.already_exists", scope)
    accept = compile_rule(target.accept, "target.accept", scope)
    retry = compile_rule(target.retry, "target.retry", scope)
    refuse = compile_rule(target.refuse, "target.refuse", scope)
    receipt = compile_rule(target.receipt, "target.receipt", scope)
    texts = (target.already_exists, target.accept, target.retry, target.refuse, target.receipt)
    reads_body = any(text is not None and "body" in expression_names(text) for text in texts)

    def judge(
        status: int, headers: Sequence[tuple[str, str]], body: bytes, row: Row, *, accepted_by_default: bool
    ) -> Judged:
        answer = AnswerView(status, headers, body, reads_body=reads_body)
        values = row.values
        if already_exists is not None and _holds(already_exists, answer, values):
            return Judged(Ruling.ALREADY_EXISTS, _receipt(receipt, answer, values))
        if accepted_by_default if accept is None else _holds(accept, answer, values):
            return Judged(Ruling.ACCEPT, _receipt(receipt, answer, values))
        if _holds(retry, answer, values):
            return Judged(Ruling.RETRY)
        if _holds(refuse, answer, values):
            return Judged(Ruling.REFUSE)
        return Judged(None)

    return judge


def compile_probe_rules(probe: Probe, columns: Sequence[str]) -> ProbeJudge:
    """The expressions of `target.probe` as one function. Raises JobError for one that cannot be used with these columns."""
    scope = answer_scope(columns)
    found = compile_rule(probe.found, "target.probe.found", scope)
    absent = compile_rule(probe.absent, "target.probe.absent", scope)
    receipt = compile_rule(probe.receipt, "target.probe.receipt", scope)

    def judge(status: int, headers: Sequence[tuple[str, str]], body: bytes, row: Row) -> Probed:
        answer = AnswerView(status, headers, body)
        is_found = _holds(found, answer, row.values)
        return Probed(
            is_found, _holds(absent, answer, row.values), _receipt(receipt, answer, row.values) if is_found else None
        )

    return judge


def compile_rule(text: str | None, path: str, scope: Scope) -> Expression | None:
    """One expression over an answer. Raises JobError, naming the key path."""
    if text is None:
        return None
    part = Part(scope)
    return part.compiled(part.alone(text, path)).evaluate


def _holds(rule: Expression | None, answer: AnswerView, values: Sequence[object]) -> bool:
    if rule is None:
        return False
    try:
        return bool(rule(answer, values))
    except Exception:
        return False


def _receipt(receipt: Expression | None, answer: AnswerView, values: Sequence[object]) -> str | None:
    """The new id as text; None where the answer does not hold it."""
    if receipt is None:
        return None
    try:
        value = receipt(answer, values)
        if isinstance(value, float):
            # The fast parser reads integers beyond 64 bits as floats: an id must not be rounded.
            value = receipt(answer.exact(), values)
        return to_text(value)[:MAX_RECEIPT]
    except Exception:
        return None

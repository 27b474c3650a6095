"""The one table of "may it have been applied?": outcome in, verdict out. Pure. docs/reference/answers.md says it for people.

In the promised order: the job file's expressions, `not_applied`, then what a status means by default.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from penstock.rows import Row
from penstock.spec.answers import Judge, Ruling
from penstock.target.base import Answer, NoAnswer, Outcome
from penstock.target.complaint import complaint, excerpt
from penstock.target.credible import doubt_of, field, is_html, is_json, place
from penstock.target.retry_after import seconds_to_wait
from penstock.target.secrets import without_secrets
from penstock.target.verdicts import Accepted, Blame, NotSent, Refused, Throttled, Unknown, Verdict

# Nothing is wrong with the row: the address, the credentials or the kind of request are.
_JOB_STATUSES = {
    401: "look at target.headers: who is asking?",
    403: "look at target.headers: what is the account allowed?",
    405: "look at target.method",
    407: "a proxy stands between; let this machine reach the API without",
    415: "look at the Content-Type in target.headers",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a job file says about answers.

    has_accept: whether it has an `accept` of its own, so that no answer is believed without that.
    url_has_expression: whether a 404 may speak of the row rather than of the url.
    secrets: what is never shown, even if the API sends it back.
    credentials: those of them that stand for who is asking; receipts are kept without these. Other variables (a tenant's
        name) may rightly be part of a receipt.
    """

    judge: Judge
    not_applied: frozenset[int]
    has_accept: bool = False
    url_has_expression: bool = False
    secrets: Sequence[str] = ()
    credentials: Sequence[str] = ()


def classify(outcome: Outcome, row: Row, rules: Rules, now: Callable[[], datetime]) -> Verdict:
    """now: an aware time; asked for Retry-After dates alone."""
    if isinstance(outcome, NoAnswer):
        return Unknown(outcome.reason) if outcome.sent else NotSent(outcome.reason)
    status, headers, body, delimited = outcome
    if not delimited and "json" in _kind(outcome) and not is_json(body):
        return Unknown(f"answered {status}, cut short", status, _shown(outcome, rules))
    believable = not rules.has_accept and 200 <= status < 300 and not doubt_of(outcome, _kind(outcome))
    judged = rules.judge(status, headers, body, row, accepted_by_default=believable)
    match judged.ruling:
        case Ruling.ACCEPT | Ruling.ALREADY_EXISTS:
            receipt = judged.receipt
            return Accepted(status, receipt and without_secrets(receipt, rules.credentials))
        case Ruling.RETRY:
            return _throttled(outcome, now) or _refused("asked to try again with", Blame.MOMENT, outcome, rules)
        case Ruling.REFUSE:
            return _refused("refused with", Blame.ROW, outcome, rules)
        case None:
            return _by_status(outcome, rules, now)
        case _:
            assert_never(judged.ruling)


def _by_status(answer: Answer, rules: Rules, now: Callable[[], datetime]) -> Verdict:
    """What an answer shows of which no expression of the job file holds."""
    status = answer.status
    throttled = _throttled(answer, now)
    if throttled is not None:
        return throttled
    if status == 404 and not rules.url_has_expression:
        return _refused("no such url: answered", Blame.JOB, answer, rules, "look at target.url")
    if status in rules.not_applied:
        return _refused("refused with", Blame.ROW, answer, rules)
    if status in _JOB_STATUSES:
        return _refused("answered", Blame.JOB, answer, rules, _JOB_STATUSES[status])
    if 300 <= status < 400:
        return _redirected(answer, rules)
    if 200 <= status < 300:
        kind = _kind(answer)
        blame = Blame.JOB if is_html(kind) else Blame.MOMENT
        doubt = doubt_of(answer, kind) or "and target.accept does not hold"
        doubt += "; look at target.url and target.headers: is it a page to log in?" if is_html(kind) else ""
        return Unknown(f"answered {status} {doubt}", status, _shown(answer, rules), blame)
    return Unknown(f"answered {status}", status, _shown(answer, rules))


def _kind(answer: Answer) -> str:
    return field(answer.headers, "content-type").lower()


def _throttled(answer: Answer, now: Callable[[], datetime]) -> Throttled | None:
    asked = field(answer.headers, "retry-after")
    if answer.status == 429 or (answer.status == 503 and asked):
        return Throttled(answer.status, f"throttled with {answer.status}", seconds_to_wait(asked, now()))
    return None


def _refused(verb: str, blame: Blame, answer: Answer, rules: Rules, way_out: str = "") -> Refused:
    said = complaint(answer.body, answer.status, rules.secrets)
    reason = f"{verb} {answer.status}" + (f": {said}" if said else "") + (f"; {way_out}" if way_out else "")
    return Refused(answer.status, reason, blame, _shown(answer, rules))


def _redirected(answer: Answer, rules: Rules) -> Verdict:
    """Never followed: a POST followed may turn into a GET, and the credentials are meant for this address alone."""
    status = answer.status
    if status == 303:  # "done, look there": what browsers are sent after a form was taken
        return Unknown("answered 303, a redirect to the result", status, _shown(answer, rules), Blame.JOB)
    location = without_secrets(field(answer.headers, "location"), rules.secrets)
    where = place(location, with_path=not rules.url_has_expression)
    reason = f"answered {status}, a redirect{where}; redirects are never followed, see target.url"
    return Refused(status, reason, Blame.JOB, _shown(answer, rules))


def _shown(answer: Answer, rules: Rules) -> str:
    return excerpt(answer.body, rules.secrets)

"""What the API tells of the records that it holds, when `verify` asks: outcome in, reading out. Pure.

"There is none" makes a row count as lost, so it is believed only where the API itself has said so: what may stand between (a page
to log in, a redirect, a refusal of whoever asks, an API that is not well) is looked for first, as in penstock.target.probe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from penstock.spec.answers import RecordJudge, Told
from penstock.target.base import Answer, NoAnswer, Outcome
from penstock.target.complaint import complaint
from penstock.target.credible import field, is_html, is_json, place
from penstock.target.retry_after import seconds_to_wait
from penstock.target.secrets import without_secrets

# Whoever asks is at fault, or the address: they tell nothing of a record.
_WAYS_OUT = {
    401: "look at verify.headers (left out, they are those of target.headers): who is asking?",
    403: "look at verify.headers (left out, they are those of target.headers): what is the account allowed?",
    405: "look at verify.url, which does not take GET",
    407: "a proxy stands between; let this machine reach the API without",
}
# Not well, or not now. (And every 5xx.)
_NOT_NOW = frozenset({408, 425})


@dataclass(frozen=True, slots=True)
class Documents:
    """All that there is. next: what `verify.next` yields, None at the end of a list."""

    documents: Sequence[Mapping[str, object]]
    next: object = None


@dataclass(frozen=True, slots=True)
class NotNow:
    """The same request may fare better later. is_throttled: only the pace is wrong. retry_after: seconds, if the API says."""

    reason: str
    is_throttled: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unusable:
    """A person must change something first. reason: goes on from the address."""

    reason: str


Reading: TypeAlias = Documents | NotNow | Unusable


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """is_list: a list is asked for, of which nothing can be absent, a 404 least of all. secrets: never shown."""

    judge: RecordJudge
    is_list: bool
    secrets: Sequence[str] = ()


def read_outcome(outcome: Outcome, rules: ReadingRules, key: object, now: datetime) -> Reading:
    """key: what was asked for. now: aware; for Retry-After dates."""
    if isinstance(outcome, NoAnswer):
        return NotNow(outcome.reason)
    return _not_believed(outcome, rules, now) or _by_expressions(outcome, rules, key)


def _not_believed(answer: Answer, rules: ReadingRules, now: datetime) -> Reading | None:
    status, headers, body, delimited = answer
    if status == 429 or status >= 500 or status in _NOT_NOW:
        wait = seconds_to_wait(field(headers, "retry-after"), now)
        is_throttled = status == 429 or (status == 503 and wait is not None)
        return NotNow(_answered(answer, rules), is_throttled, wait)
    if 300 <= status < 400:
        where = place(without_secrets(field(headers, "location"), rules.secrets), with_path=rules.is_list)
        return Unusable(f"answered {status}, a redirect{where}; redirects are never followed, see verify.url")
    if is_html(field(headers, "content-type").lower()):
        way_out = "look at verify.url and verify.headers: is it a page to log in?"
        return Unusable(f"answered {status} with text/html; {way_out}")
    if status in _WAYS_OUT:
        return Unusable(f"{_answered(answer, rules)}; {_WAYS_OUT[status]}")
    if status == 404 and rules.is_list:
        return Unusable("answered 404: there is no such list; look at verify.url")
    if not delimited and not is_json(body):
        return NotNow(f"answered {status}, cut short")
    return None


def _by_expressions(answer: Answer, rules: ReadingRules, key: object) -> Reading:
    status, headers, body, _ = answer
    told = rules.judge(status, headers, body, key)
    if told.found and told.absent:
        return Unusable(f"answered {status}, and both verify.found and absent hold; let one answer mean one thing")
    if told.absent:
        return Documents(())
    if told.found:
        return _documents(answer, rules, told)
    held = "verify.found does not hold" if rules.is_list else "neither verify.found nor absent holds"
    said = f"{_answered(answer, rules)}, and {held}"
    # An API whose answers are all 200 says "busy" so, too.
    return NotNow(said) if 200 <= status < 300 else Unusable(f"{said}; say which answers mean what")


def _documents(answer: Answer, rules: ReadingRules, told: Told) -> Reading:
    name = "records" if rules.is_list else "record"
    value = told.value
    if told.fault:
        if not is_json(answer.body):
            return Unusable(f"answered {answer.status} with what is no JSON; look at verify.url")
        fault = without_secrets(told.fault, rules.secrets)
        return Unusable(f"answered {answer.status}, of which {fault}; {_way_out(name)}")
    if isinstance(value, Mapping) and not rules.is_list:
        return Documents((value,), told.next)
    if isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
        return Documents(value, told.next)
    due = "no list of objects" if rules.is_list else "neither an object nor a list of objects"
    return Unusable(f"answered {answer.status}, of which verify.{name} yields {due}; {_way_out(name)}")


def _way_out(name: str) -> str:
    if name == "records":
        return 'it stands for the documents of a page: records: "{{ body.data }}"'
    return 'say where the document stands, or with absent: that there is none: absent: "{{ body.data is none }}"'


def _answered(answer: Answer, rules: ReadingRules) -> str:
    said = complaint(answer.body, answer.status, rules.secrets)
    return f"answered {answer.status}" + (f": {said}" if said else "")

"""What the API says of a row in doubt: outcome in, verdict out. Pure. docs/how-to/rows-in-doubt.md says it for people.

Found ends the row, and absent sends it once more, so both are believed only where the API itself can have said so: what may
stand between (a page, a redirect, a refusal of whoever asks, an API that is not well) is looked for first, and only then do the
job file's expressions decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from penstock.rows import Row
from penstock.spec.answers import ProbeJudge
from penstock.target.base import Answer, NoAnswer, Outcome
from penstock.target.complaint import excerpt
from penstock.target.credible import doubt_of, field, is_html, is_json, place
from penstock.target.retry_after import seconds_to_wait
from penstock.target.secrets import without_secrets
from penstock.target.verdicts import Absent, Blame, Found, ProbeVerdict, StillInDoubt

# Whoever asks is at fault, or the address: they tell nothing of a row.
_WAYS_OUT = {
    401: "look at target.headers: who is asking?",
    403: "look at target.headers: what is the account allowed?",
    405: "look at target.probe.url, which does not take GET",
    407: "a proxy stands between; let this machine reach the API without",
}
# Not well, or not now. (And every 5xx.)
_NOT_NOW = frozenset({408, 425})


@dataclass(frozen=True, slots=True)
class ProbeRules:
    """url_has_expression: whether a 404 may speak of the row rather than of the url. secrets, credentials: as in Rules."""

    judge: ProbeJudge
    url_has_expression: bool
    secrets: Sequence[str] = ()
    credentials: Sequence[str] = ()


def judge_probe(outcome: Outcome, rules: ProbeRules, row: Row, now: datetime) -> ProbeVerdict:
    """now: aware; for Retry-After dates."""
    if isinstance(outcome, NoAnswer):
        return StillInDoubt(outcome.reason, blame=Blame.MOMENT if outcome.sent else Blame.JOB)
    return _not_believed(outcome, rules, now) or _by_expressions(outcome, rules, row)


def _not_believed(answer: Answer, rules: ProbeRules, now: datetime) -> StillInDoubt | None:
    status, headers, body, delimited = answer
    kind = field(headers, "content-type").lower()
    if status == 429 or status >= 500 or status in _NOT_NOW:
        wait = seconds_to_wait(field(headers, "retry-after"), now)
        is_throttled = status == 429 or (status == 503 and wait is not None)
        reason = f"throttled with {status}" if is_throttled else f"answered {status}"
        blame = Blame.JOB if is_throttled else Blame.MOMENT
        return StillInDoubt(reason, status, _shown(answer, rules), blame, wait)
    about_no_row = _about_no_row(answer, kind, rules)
    if about_no_row:
        return StillInDoubt(about_no_row, status, _shown(answer, rules), Blame.JOB)
    is_cut = not delimited and "json" in kind and not is_json(body)
    doubt = ", cut short" if is_cut else f" {doubt_of(answer, kind)}" if 200 <= status < 300 else ""
    return StillInDoubt(f"answered {status}{doubt}", status, _shown(answer, rules)) if doubt.strip() else None


def _about_no_row(answer: Answer, kind: str, rules: ProbeRules) -> str:
    """Why whoever asks, or the address, is at fault; empty if neither is."""
    status = answer.status
    if 300 <= status < 400:
        location = without_secrets(field(answer.headers, "location"), rules.secrets)
        where = place(location, with_path=not rules.url_has_expression)
        return f"answered {status}, a redirect{where}; redirects are never followed, see target.probe.url"
    if is_html(kind):
        way_out = "look at target.probe.url and target.headers: is it a page to log in?"
        return f"answered {status} with text/html; {way_out}"
    if status == 404 and not rules.url_has_expression:
        return "no such url: answered 404; look at target.probe.url"
    way_out = _WAYS_OUT.get(status, "")
    return way_out and f"answered {status}; {way_out}"


def _by_expressions(answer: Answer, rules: ProbeRules, row: Row) -> ProbeVerdict:
    status = answer.status
    found, absent, receipt = rules.judge(status, answer.headers, answer.body, row)
    if found and not absent:
        return Found(status, receipt and without_secrets(receipt, rules.credentials))
    if absent and not found:
        return Absent(status)
    held = "both target.probe.found and absent hold" if found else "neither target.probe.found nor absent holds"
    return StillInDoubt(f"answered {status}, and {held}", status, _shown(answer, rules))


def _shown(answer: Answer, rules: ProbeRules) -> str:
    return excerpt(answer.body, rules.secrets)

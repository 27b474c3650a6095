"""The table of "has it arrived?", line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from penstock.rows import Row
from penstock.spec.answers import Probed
from penstock.target.base import Answer, NoAnswer, Outcome
from penstock.target.probe import ProbeRules, judge_probe
from penstock.target.verdicts import Absent, Blame, Found, ProbeVerdict, StillInDoubt

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
JSON = [("content-type", "application/json")]
HTML = [("content-type", "text/html; charset=utf-8")]
NEITHER = "neither target.probe.found nor absent holds"
BOTH = "both target.probe.found and absent hold"


class Judging:
    def __init__(self, *, found: bool, absent: bool, receipt: str | None = None) -> None:
        self._probed = Probed(found, absent, receipt)

    def __call__(self, status: int, headers: Sequence[tuple[str, str]], body: bytes, row: Row) -> Probed:
        return self._probed


def judged(outcome: Outcome, *, found: bool = False, absent: bool = False, receipt: str | None = None) -> ProbeVerdict:
    rules = ProbeRules(
        Judging(found=found, absent=absent, receipt=receipt),
        url_has_expression=True,
        secrets=("s3cret-token",),
        credentials=("s3cret-token",),
    )
    return judge_probe(outcome, rules, Row("1", (1,)), NOW)


@pytest.mark.parametrize("status", [200, 204, 400, 404, 409, 410, 422])
def test_one_expression_that_holds_decides(status: int) -> None:
    answer = Answer(status, JSON, b"{}")
    assert judged(answer, found=True, receipt="N-1") == Found(status, "N-1")
    assert judged(answer, absent=True) == Absent(status)


def test_neither_and_both_leave_the_row_in_doubt() -> None:
    answer = Answer(200, JSON, b'{"total":2,"token":"s3cret-token"}')
    shown = '{"total":2,"token":"***"}'
    assert judged(answer) == StillInDoubt(f"answered 200, and {NEITHER}", 200, shown)
    assert judged(answer, found=True, absent=True) == StillInDoubt(f"answered 200, and {BOTH}", 200, shown)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(401, JSON, b"{}"), "answered 401; look at target.headers: who is asking?"),
        (Answer(403, JSON, b"{}"), "answered 403; look at target.headers: what is the account allowed?"),
        (Answer(405, JSON, b"{}"), "answered 405; look at target.probe.url, which does not take GET"),
        (Answer(407, JSON, b"{}"), "answered 407; a proxy stands between; let this machine reach the API without"),
        (
            Answer(302, [("location", "https://login.example.com/?from=A-1")], b""),
            "answered 302, a redirect to https://login.example.com; redirects are never followed, see target.probe.url",
        ),
        (Answer(303, [], b""), "answered 303, a redirect; redirects are never followed, see target.probe.url"),
        (
            Answer(200, HTML, b"<h1>Log in</h1>"),
            "answered 200 with text/html; look at target.probe.url and target.headers: is it a page to log in?",
        ),
        (
            Answer(404, HTML, b"<h1>nginx</h1>"),
            "answered 404 with text/html; look at target.probe.url and target.headers: is it a page to log in?",
        ),
    ],
)
def test_an_answer_about_no_row_is_never_believed_whatever_holds(answer: Answer, reason: str) -> None:
    for found, absent in ((True, False), (False, True)):
        verdict = judged(answer, found=found, absent=absent)
        assert isinstance(verdict, StillInDoubt)
        assert (verdict.reason, verdict.blame) == (reason, Blame.JOB)


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 599])
def test_an_api_that_is_not_well_is_never_believed_whatever_holds(status: int) -> None:
    for found, absent in ((True, False), (False, True)):
        verdict = judged(Answer(status, JSON, b"{}"), found=found, absent=absent)
        assert verdict == StillInDoubt(f"answered {status}", status, "{}", Blame.MOMENT)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer(429, JSON, b"{}"), None),
        (Answer(429, [*JSON, ("retry-after", "7")], b"{}"), 7.0),
        (Answer(503, [*JSON, ("retry-after", "Tue, 24 Nov 2026 12:01:00 GMT")], b"{}"), 60.0),
    ],
)
def test_asking_too_fast_blames_no_row_and_tells_how_long_to_wait(answer: Answer, wait: float | None) -> None:
    reason = f"throttled with {answer.status}"
    assert judged(answer, absent=True) == StillInDoubt(reason, answer.status, "{}", Blame.JOB, wait)


@pytest.mark.parametrize(
    ("outcome", "blame"),
    [
        (NoAnswer(sent=False, reason="connection refused by 127.0.0.1:1"), Blame.JOB),
        (NoAnswer(sent=True, reason="no answer within 30 s"), Blame.MOMENT),
    ],
)
def test_no_answer_says_nothing(outcome: NoAnswer, blame: Blame) -> None:
    assert judged(outcome, absent=True) == StillInDoubt(outcome.reason, blame=blame)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(200, JSON, b'{"total":0'), "answered 200 with JSON that does not parse"),
        (Answer(200, JSON, b""), "answered 200 with JSON that does not parse"),
        (Answer(200, JSON, b'{"total":0', delimited=False), "answered 200, cut short"),
        (Answer(404, JSON, b'{"total":0', delimited=False), "answered 404, cut short"),
        (Answer(200, [], b"0", delimited=False), "answered 200 without saying where the answer ends"),
    ],
)
def test_half_an_answer_is_never_believed_whatever_holds(answer: Answer, reason: str) -> None:
    verdict = judged(answer, absent=True)
    assert isinstance(verdict, StillInDoubt)
    assert (verdict.reason, verdict.blame) == (reason, Blame.ROW)


def test_a_404_of_a_url_that_is_the_same_for_every_row_blames_the_url() -> None:
    rules = replace(ProbeRules(Judging(found=False, absent=True), url_has_expression=False))
    verdict = judge_probe(Answer(404, JSON, b"{}"), rules, Row("1", (1,)), NOW)
    assert verdict == StillInDoubt("no such url: answered 404; look at target.probe.url", 404, "{}", Blame.JOB)


def test_where_a_redirect_leads_is_told_without_a_secret() -> None:
    verdict = judged(Answer(301, [("location", "https://s3cret-token.example.com/")], b""), found=True)
    assert isinstance(verdict, StillInDoubt)
    assert "a redirect to https://***.example.com;" in verdict.reason


def test_no_credential_is_kept_as_a_receipt() -> None:
    assert judged(Answer(200, JSON, b"{}"), found=True, receipt="for s3cret-token") == Found(200, "for ***")

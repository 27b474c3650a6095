"""The table of "may it have been applied?", line by line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.rows import Row
from penstock.spec.answers import Judged, Ruling
from penstock.spec.models import DEFAULT_NOT_APPLIED
from penstock.target.base import Answer, NoAnswer
from penstock.target.classify import Rules, classify
from penstock.target.verdicts import Accepted, Blame, NotSent, Refused, Throttled, Unknown, Verdict

NOW = datetime(2025, 11, 24, 12, 0, 0, tzinfo=UTC)
ROW = Row("1", (1,))
JSON = [("content-type", "application/json; charset=utf-8")]
HTML = [("content-type", "Text/HTML; charset=utf-8")]
TEXT = [("content-type", "text/plain")]


class Judging:
    """A judge as the mapping compiles it: `ruling` is the expression that holds, if one does."""

    def __init__(self, ruling: Ruling | None = None, receipt: str | None = None) -> None:
        self._judged = Judged(ruling, receipt)

    def __call__(
        self, status: int, headers: Sequence[tuple[str, str]], body: bytes, row: Row, *, accepted_by_default: bool
    ) -> Judged:
        if self._judged.ruling is None and accepted_by_default:
            return Judged(Ruling.ACCEPT, self._judged.receipt)
        return self._judged


RULES = Rules(Judging(), DEFAULT_NOT_APPLIED)
WITH_ACCEPT = replace(RULES, has_accept=True)


def ruled(ruling: Ruling, receipt: str | None = None) -> Rules:
    return replace(RULES, judge=Judging(ruling, receipt))


def verdict(answer: Answer, rules: Rules = RULES) -> Verdict:
    return classify(answer, ROW, rules, lambda: NOW)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, JSON, b'{"id":1}'),
        Answer(201, JSON, b"[]"),
        Answer(202, [("content-type", "application/problem+json")], b"null"),
        Answer(204, [], b""),
        Answer(204, JSON, b""),
        Answer(205, JSON, b""),
        Answer(200, TEXT, b"OK"),
        Answer(201, [], b""),
        Answer(299, [], b"whatever"),
        Answer(200, JSON, b'{"id":1}', delimited=False),
    ],
)
def test_h22_accepted_by_default(answer: Answer) -> None:
    assert verdict(answer) == Accepted(answer.status)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(Answer(200, JSON, b'{"id":'), "answered 200 with JSON that does not parse", id="h27 cut"),
        pytest.param(Answer(200, JSON, b'{"a":NaN}'), "answered 200 with JSON that does not parse", id="h27 NaN"),
        pytest.param(Answer(200, JSON, b"\xef\xbb\xbf{}"), "answered 200 with JSON that does not parse", id="h27 BOM"),
        pytest.param(Answer(200, JSON, b'"\xff"'), "answered 200 with JSON that does not parse", id="h27 charset"),
        pytest.param(Answer(200, JSON, b"[" * 9999), "answered 200 with JSON that does not parse", id="h28 nested"),
        pytest.param(Answer(201, JSON, b""), "answered 201 with JSON that does not parse", id="h24 empty"),
        pytest.param(
            Answer(200, TEXT, b"OK", delimited=False), "answered 200 without saying where the answer ends", id="h18"
        ),
        pytest.param(Answer(200, JSON, b'{"id":', delimited=False), "answered 200, cut short", id="h18 cut"),
        pytest.param(Answer(422, JSON, b'{"id":', delimited=False), "answered 422, cut short", id="h18 refusal"),
    ],
)
def test_h18_h24_h27_h28_answers_that_cannot_be_believed(answer: Answer, reason: str) -> None:
    shown = verdict(answer)
    assert isinstance(shown, Unknown)
    assert (shown.reason, shown.status, shown.blame) == (reason, answer.status, Blame.MOMENT)


def test_h18_a_cut_answer_is_not_shown_to_the_job_files_expressions() -> None:
    cut = Answer(200, JSON, b'{"code":0,"id":', delimited=False)
    for ruling in Ruling:
        assert isinstance(verdict(cut, ruled(ruling)), Unknown)


def test_h23_accepted_for_later_is_imported_unless_accept_wants_more() -> None:
    later = Answer(202, JSON, b'{"status":"queued"}')
    assert verdict(later) == Accepted(202)
    assert isinstance(verdict(later, WITH_ACCEPT), Unknown)


def test_h26_a_page_where_json_was_due_holds_the_run() -> None:
    shown = verdict(Answer(200, HTML, b"<h1>Please log in</h1>"))
    reason = "answered 200 with text/html; look at target.url and target.headers: is it a page to log in?"
    assert shown == Unknown(reason, 200, "<h1>Please log in</h1>", Blame.JOB)
    assert verdict(Answer(200, HTML, b"<h1>Please log in</h1>"), WITH_ACCEPT) == shown


def test_a_page_with_an_error_status_is_judged_by_the_status() -> None:
    assert isinstance(verdict(Answer(422, HTML, b"<h1>No</h1>")), Refused)
    shown = verdict(Answer(502, HTML, b"<h1>Bad gateway</h1>"))
    assert shown == Unknown("answered 502", 502, "<h1>Bad gateway</h1>")


def test_no_byte_sent_is_not_sent() -> None:
    assert classify(NoAnswer(sent=False, reason="refused"), ROW, RULES, lambda: NOW) == NotSent("refused")


def test_no_answer_to_what_may_have_been_sent_is_unknown() -> None:
    for ruling in [None, *Ruling]:
        rules = replace(RULES, judge=Judging(ruling))
        outcome = NoAnswer(sent=True, reason="no answer within 30 s")
        assert classify(outcome, ROW, rules, lambda: NOW) == Unknown("no answer within 30 s")


@pytest.mark.parametrize("ruling", [Ruling.ACCEPT, Ruling.ALREADY_EXISTS])
@pytest.mark.parametrize("status", [200, 301, 401, 409, 422, 429, 500])
def test_an_accepting_expression_decides_before_the_status(ruling: Ruling, status: int) -> None:
    assert verdict(Answer(status, HTML, b"x"), ruled(ruling, "17")) == Accepted(status, "17")


@pytest.mark.parametrize("status", [200, 301, 401, 409, 429, 500])
def test_a_refusing_expression_decides_before_the_status(status: int) -> None:
    body = b'{"code":40012,"msg":"order 17 exists"}'
    reason = f"refused with {status}: code 40012: order # exists"
    shown = verdict(Answer(status, JSON, body), ruled(Ruling.REFUSE))
    assert shown == Refused(status, reason, Blame.ROW, body.decode())


def test_h25_a_retrying_expression_charges_the_moment() -> None:
    shown = verdict(Answer(200, JSON, b'{"code":1001}'), ruled(Ruling.RETRY))
    reason = "asked to try again with 200: code 1001"
    assert shown == Refused(200, reason, Blame.MOMENT, '{"code":1001}')


def test_being_too_fast_is_never_charged_even_if_an_expression_says_retry() -> None:
    throttled = Answer(429, [("retry-after", "7")], b"")
    assert verdict(throttled, ruled(Ruling.RETRY)) == Throttled(429, "throttled with 429", 7.0)


@pytest.mark.parametrize("status", sorted(DEFAULT_NOT_APPLIED - {404}))
def test_h37_statuses_that_prove_that_nothing_was_applied(status: int) -> None:
    assert verdict(Answer(status, JSON, b"{}")) == Refused(status, f"refused with {status}", Blame.ROW, "{}")


def test_not_applied_may_be_extended() -> None:
    answer = Answer(500, [], b"")
    assert isinstance(verdict(answer), Unknown)
    extended = replace(RULES, not_applied=DEFAULT_NOT_APPLIED | {500})
    assert verdict(answer, extended) == Refused(500, "refused with 500")


@pytest.mark.parametrize("status", [401, 403, 405, 407, 415])
def test_h38_h39_statuses_that_blame_the_job(status: int) -> None:
    answer = Answer(status, JSON, b'{"message":"bad token"}')
    shown = verdict(answer)
    assert isinstance(shown, Refused)
    assert (shown.blame, shown.answer) == (Blame.JOB, '{"message":"bad token"}')
    assert shown.reason.startswith(f"answered {status}: bad token; "), "with what to look at"
    as_the_rows_fault = replace(RULES, not_applied=DEFAULT_NOT_APPLIED | {status})
    shown = verdict(answer, as_the_rows_fault)
    assert isinstance(shown, Refused)
    assert shown.blame is Blame.ROW


def test_h39_a_404_blames_the_job_unless_its_url_speaks_of_the_row() -> None:
    answer = Answer(404, [], b"")
    assert verdict(answer) == Refused(404, "no such url: answered 404; look at target.url", Blame.JOB)
    assert verdict(answer, replace(RULES, url_has_expression=True)) == Refused(404, "refused with 404", Blame.ROW)


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://user:canary@new.example.com/v2/orders?token=canary#canary", " to https://new.example.com/v2/orders"),
        ("/login?next=canary", " to /login"),
        ("", ""),
        ("https://[canary", ""),
        ("javascript:canary()", None),
    ],
)
def test_h34_h36_redirects_hold_the_run(location: str, place: str | None) -> None:
    for status in (300, 301, 302, 304, 307, 308):
        shown = verdict(Answer(status, [("location", location)], b""))
        assert isinstance(shown, Refused)
        assert shown.blame is Blame.JOB
        if place is not None:
            reason = f"answered {status}, a redirect{place}; redirects are never followed, see target.url"
            assert shown.reason == reason


def test_h34_a_redirect_of_a_url_with_row_values_does_not_repeat_them() -> None:
    answer = Answer(301, [("location", "https://new.example.com/orders/17")], b"")
    shown = verdict(answer, replace(RULES, url_has_expression=True))
    reason = "answered 301, a redirect to https://new.example.com; redirects are never followed, see target.url"
    assert shown == Refused(301, reason, Blame.JOB)


def test_h34_a_redirect_to_the_result_may_mean_done() -> None:
    shown = verdict(Answer(303, [("location", "/orders/17")], b""))
    assert shown == Unknown("answered 303, a redirect to the result", 303, "", Blame.JOB)


@pytest.mark.parametrize("status", [402, 408, 409, 410, 418, 425, 451, 500, 501, 502, 503, 504, 599, 999])
def test_h40_h41_h46_h47_h48_every_other_status_is_unknown(status: int) -> None:
    assert verdict(Answer(status, TEXT, b"oh\x00 dear\n")) == Unknown(f"answered {status}", status, "oh dear")


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [(429, None, None), (429, "7", 7.0), (429, "soon", None), (503, "120", 120.0), (503, "soon", None)],
)
def test_h43_h45_throttled(status: int, header: str | None, seconds: float | None) -> None:
    headers = [] if header is None else [("retry-after", header)]
    shown = verdict(Answer(status, headers, b""), replace(RULES, not_applied=frozenset({429, 503})))
    assert shown == Throttled(status, f"throttled with {status}", seconds)


def test_h45_a_503_that_does_not_say_when_to_come_back_is_unknown() -> None:
    assert verdict(Answer(503, [], b"")) == Unknown("answered 503", 503)


@pytest.mark.parametrize("answer", [Answer(200, JSON, b'{"code":7}'), Answer(204, [], b"")])
def test_h24_h25_an_accept_that_does_not_hold_leaves_a_2xx_unknown(answer: Answer) -> None:
    shown = verdict(answer, WITH_ACCEPT)
    assert isinstance(shown, Unknown)
    assert shown.reason == f"answered {answer.status} and target.accept does not hold"


def test_secrets_that_the_api_sends_back_are_not_shown() -> None:
    rules = replace(RULES, secrets=("Canary-Token",))
    body = b'{"message":"token Canary-Token is not known"}'
    for status in (200, 303, 401, 422, 500):
        shown = verdict(Answer(status, HTML, body), rules)
        assert isinstance(shown, Refused | Unknown)
        assert "Canary" not in shown.reason + shown.answer
        assert "***" in shown.answer


def test_a_redirect_does_not_show_a_secret_of_its_location() -> None:
    rules = replace(RULES, secrets=("Canary/Token",))
    for spelled in ("Canary/Token", "Canary%2fToken"):
        shown = verdict(Answer(307, [("location", f"https://other.example/in/{spelled}/x")], b""), rules)
        assert isinstance(shown, Refused)
        assert "a redirect to https://other.example/in/***/x;" in shown.reason


def test_a_receipt_is_kept_without_credentials_and_else_as_it_is() -> None:
    rules = replace(ruled(Ruling.ACCEPT, "acme-17 Canary-Token"), credentials=("Canary-Token",), secrets=("acme-17",))
    assert verdict(Answer(201, [], b""), rules) == Accepted(201, "acme-17 ***")


answers = st.builds(
    Answer,
    st.integers(100, 999),
    st.lists(
        st.sampled_from([*JSON, *HTML, *TEXT, ("retry-after", "1"), ("retry-after", "x"), ("location", "//\x00[")]),
        max_size=3,
    ),
    st.binary(max_size=50) | st.sampled_from([b"{}", b'{"error":{"code":5}}', b'{"errors":[1]}', b"[null]"]),
    st.booleans(),
)
judges: st.SearchStrategy[Callable[..., Judged]] = st.sampled_from([Judging(), *map(Judging, Ruling)])


@given(answers, judges, st.booleans(), st.booleans())
def test_every_answer_has_a_verdict_that_can_be_stored(
    answer: Answer, judge: Judging, has_accept: bool, in_url: bool
) -> None:
    rules = Rules(judge, DEFAULT_NOT_APPLIED, has_accept, in_url)
    shown = verdict(answer, rules)
    assert not isinstance(shown, NotSent)
    if isinstance(shown, Refused | Throttled | Unknown):
        assert shown.reason.isprintable()
        assert len(shown.reason) < 700
    if isinstance(shown, Refused | Unknown):
        assert shown.answer == "" or shown.answer.isprintable()
        assert len(shown.answer) <= 500


def test_the_reference_names_the_same_statuses() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "answers.md").read_text(encoding="utf-8")
    lines = {line.split("|")[1].strip(): line.split("|")[2] for line in page.splitlines() if line.startswith("| ")}
    refused, blamed = (set(map(int, re.findall(r"\b\d{3}\b", lines[number]))) for number in ("11", "12"))
    assert refused == DEFAULT_NOT_APPLIED
    statuses = range(400, 600)
    shown = {status: verdict(Answer(status, [], b""), replace(RULES, url_has_expression=True)) for status in statuses}
    assert blamed == {status for status in statuses if getattr(shown[status], "blame", None) is Blame.JOB}

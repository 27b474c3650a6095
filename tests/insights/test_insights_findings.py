"""What a check makes of what it saw."""

import pytest

from penstock.errors import JobError, LedgerMissing, PenstockError, SourceUnreachable
from penstock.insights.check import Finding, Grade
from penstock.insights.findings import of_answers, of_error, of_notices, of_size, of_store, of_target
from penstock.spec.models import Notices, Target


@pytest.mark.parametrize(
    ("error", "grade"),
    [
        (SourceUnreachable("refused"), Grade.UNREACHABLE),
        (LedgerMissing("refused"), Grade.PROBLEM),
        (JobError("refused"), Grade.PROBLEM),
    ],
)
def test_an_error_is_a_finding_of_its_subject(error: PenstockError, grade: Grade) -> None:
    assert of_error("source", error) == Finding("source", grade, "refused")


def test_a_target_that_answers_says_that_nothing_was_sent() -> None:
    assert of_target("api.example.com:443", None, 0.0312, tls=True).text == (
        "connected with TLS to api.example.com:443 in 31 ms; nothing was sent"
    )


def test_a_target_that_does_not_answer_may_do_so_later() -> None:
    assert of_target("api.example.com:80", "connection refused by api.example.com:80", 0.1, tls=False) == Finding(
        "target", Grade.UNREACHABLE, "connection refused by api.example.com:80", "look at target.url"
    )


def test_the_estimate_follows_the_jobs_own_rate() -> None:
    assert of_size(1_000_000, 500.0).text == (
        "about 1,000,000 rows, so a ledger of about 240 MB; at the job's rate of 500/s 33 min 20 s"
    )


def test_without_a_rate_two_speeds_are_told() -> None:
    assert of_size(360_000, None).text.endswith("it takes 1 h at 100/s and 6 min at 1,000/s")


def test_a_few_rows_need_no_reckoning() -> None:
    assert of_size(40, None).text == "about 40 rows, so a ledger of about 9.6 kB; a matter of seconds or minutes"


def test_a_size_that_nobody_knows_is_not_made_up() -> None:
    assert of_size(None, 500.0).grade is Grade.WARNING


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({}, ""),
        ({"refuse": "{{ body.code > 0 }}"}, "target.refuse come"),
        ({"retry": "{{ body.code == 1 }}", "refuse": "{{ body.code > 1 }}"}, "target.retry and target.refuse come"),
        ({"accept": "{{ body.code == 0 }}", "refuse": "{{ body.code > 0 }}"}, ""),
    ],
)
def test_rules_that_no_accepted_answer_ever_reaches_are_told(rules: dict[str, str], told: str) -> None:
    target = Target.model_validate({"url": "http://127.0.0.1/orders", **rules})
    findings = of_answers(target)
    assert [finding.grade for finding in findings] == ([Grade.WARNING] if told else [])
    assert all(finding.text.startswith(told) for finding in findings)


def test_a_store_without_an_index_is_told_of() -> None:
    assert of_store("shop", ["no"], None).grade is Grade.OK
    slow = of_store("shop", ["no"], "new_orders")
    assert slow.grade is Grade.WARNING
    assert "shop has no index on no: every look-up goes through new_orders" in slow.text


def test_what_a_broker_is_needed_for_is_told() -> None:
    assert of_notices(None) == []
    [finding] = of_notices(Notices(exchange="migration", payload=True))
    assert finding.grade is Grade.OK
    assert finding.text == "rows that end failed or in doubt are told to the exchange 'migration', with their payloads"
    assert "a run needs --broker" in finding.way_out

"""A probe's request and its expressions, as they are made of the job file."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.mapping.conftest import KEY, job_with

from penstock.errors import JobError, RowError
from penstock.mapping.probe import ProbeMapper
from penstock.mapping.rules import compile_probe_rules
from penstock.rows import Row
from penstock.spec.answers import Probed, ProbeJudge
from penstock.spec.models import Job

COLUMNS = ("id", "order_no")
ROW = Row("7", (7, "A/7 ü"))
FOUND, ABSENT = "{{ body.total == 1 }}", "{{ body.total == 0 }}"


def asking(
    url: str = "https://api.example.com/v2/orders?external={{ order_no }}",
    *,
    headers: Mapping[str, str] | None = None,
    **probe: str,
) -> Job:
    return job_with(headers=headers or {}, probe={"url": url, "found": FOUND, "absent": ABSENT, **probe})


def mapper(job: Job) -> ProbeMapper:
    assert job.target.probe is not None
    return ProbeMapper(job.target, job.target.probe, COLUMNS)


def judge(job: Job) -> ProbeJudge:
    assert job.target.probe is not None
    return compile_probe_rules(job.target.probe, COLUMNS)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://api.example.com/v2/orders?external={{ order_no }}", b"/v2/orders?external=A%2F7%20%C3%BC"),
        ("https://api.example.com/v2/orders/{{ id }}", b"/v2/orders/7"),
        ("https://api.example.com/v2/keys/{{ idempotency_key }}", f"/v2/keys/{KEY}".encode()),
        ("https://api.example.com", b"/"),
    ],
)
def test_a_rows_values_are_percent_encoded_in_the_url(url: str, target: bytes) -> None:
    assert mapper(asking(url)).map(ROW, KEY).target == target


def test_it_has_the_jobs_headers_but_for_the_key_and_asks_no_cache() -> None:
    headers = {"Authorization": "Bearer t", "X-Order": "{{ id }}", "Idempotency-Key": "{{ id }}", "Accept": "text/csv"}
    made = mapper(asking(headers=headers))
    assert made.static_headers == (("Authorization", "Bearer t"), ("Accept", "text/csv"), ("Cache-Control", "no-cache"))
    assert made.row_headers == ("X-Order",)
    assert made.map(ROW, KEY).headers == (("X-Order", "7"),)
    own = mapper(asking(headers={"cache-control": "max-age=1"}))
    assert own.static_headers == (("cache-control", "max-age=1"),)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((7, None), 'target.probe.url (column "order_no"): NULL'),
        ((7, ".."), "target.probe.url: a row may not make a piece of the path"),
    ],
)
def test_a_row_that_makes_no_request_says_where(values: tuple[object, ...], message: str) -> None:
    made = mapper(asking("https://api.example.com/v2/orders/{{ order_no }}/x"))
    with pytest.raises(RowError) as raised:
        made.map(Row("7", values), KEY)
    assert message in str(raised.value)


def test_a_column_that_is_not_there_is_told_with_its_place() -> None:
    with pytest.raises(JobError, match=r"target\.probe\.url"):
        mapper(asking("https://api.example.com/v2/orders?external={{ number }}"))
    with pytest.raises(JobError, match=r"target\.probe\.absent"):
        judge(asking(absent="{{ row.number == 1 }}"))


@pytest.mark.parametrize(
    ("body", "probed"),
    [
        (b'{"total":1,"items":[{"id":90817}]}', Probed(found=True, absent=False, receipt="90817")),
        (b'{"total":0,"items":[]}', Probed(found=False, absent=True)),
        (b'{"total":2,"items":[]}', Probed(found=False, absent=False)),
        (b'{"total":1}', Probed(found=True, absent=False)),
        (b"no JSON", Probed(found=False, absent=False)),
    ],
)
def test_expressions_are_asked_and_one_that_fails_does_not_hold(body: bytes, probed: Probed) -> None:
    assert judge(asking(receipt="{{ body['items'][0].id }}"))(200, (), body, ROW) == probed

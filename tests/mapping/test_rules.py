"""Answer expressions: which one holds first, what they see of an answer, and the receipt."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from tests.mapping.conftest import job_with

from penstock.errors import JobError
from penstock.mapping.rules import compile_rules
from penstock.rows import Row
from penstock.spec.answers import Judged, Ruling

ROW = Row("7", (7, "A-7"))
COLUMNS = ("id", "order_no")
HEADERS = (("content-type", "application/json"), ("x-request-id", "r-1"), ("vary", "a"), ("vary", "b"))


def judged(
    rules: Mapping[str, str],
    *,
    status: int = 200,
    body: object = None,
    raw: bytes | None = None,
    by_default: bool = False,
) -> Judged:
    judge = compile_rules(job_with(**rules), COLUMNS)
    content = json.dumps(body).encode() if raw is None else raw
    return judge(status, HEADERS, content, ROW, accepted_by_default=by_default)


def holds(expression: str, *, status: int = 200, body: object = None, raw: bytes | None = None) -> bool:
    return judged({"accept": expression}, status=status, body=body, raw=raw).ruling is Ruling.ACCEPT


@pytest.mark.parametrize(
    "expression",
    [
        "{{ status == 201 }}",
        "{{ status < 300 and body.code == 0 }}",
        "{{ body.code in [0, 1] }}",
        "{{ body['code'] == 0 }}",
        "{{ body.data.items[0].id == row.id }}",
        "{{ body.data.values == 'a field' }}",
        "{{ body.order == row['order_no'] }}",
        "{{ body.price == 12.10 }}",
        "{{ headers['X-Request-Id'] == 'r-1' }}",
        "{{ headers.x_request_id == 'r-1' }}",
        "{{ headers['CONTENT-TYPE'].startswith('application/json') }}",
        "{{ headers.vary == 'a, b' }}",
        "{{ headers.location is not defined }}",
        "{{ body.data.nothing.at.all is not defined }}",
        "{{ body.message | lower is eq('ok') }}",
        "{{ 'items' in body.data }}",
    ],
)
def test_an_expression_sees_status_headers_body_and_row(expression: str) -> None:
    body = {
        "code": 0,
        "order": "A-7",
        "price": 12.1,
        "message": "OK",
        "data": {"items": [{"id": 7}], "values": "a field"},
    }
    assert holds(expression, status=201, body=body)
    assert not holds("{{ not (" + expression[2:-2] + ") }}", status=201, body=body)


@pytest.mark.parametrize(
    ("rule", "ruling"),
    [
        ("already_exists", Ruling.ALREADY_EXISTS),
        ("accept", Ruling.ACCEPT),
        ("retry", Ruling.RETRY),
        ("refuse", Ruling.REFUSE),
    ],
)
def test_a_rule_sees_the_body_though_no_other_asks_for_it(rule: str, ruling: Ruling) -> None:
    nothing = {"accept": "{{ status == 0 }}"}
    assert judged(nothing | {rule: "{{ body.code == 1 }}"}, body={"code": 1}).ruling is ruling


def test_a_receipt_sees_the_body_though_no_rule_asks_for_it() -> None:
    assert judged({"receipt": "{{ body.id }}"}, body={"id": 5}, by_default=True) == Judged(Ruling.ACCEPT, "5")


@pytest.mark.parametrize(
    "expression",
    [
        "{{ body.missing }}",
        "{{ not body.missing }}",
        "{{ body.missing != 1 }}",
        "{{ body.missing == body.absent }}",
        "{{ body.a.b == none }}",
        "{{ body.code > 'x' }}",
        "{{ 1 / 0 }}",
        "{{ body | int == 0 }}",
        "{{ headers.nothing ~ 'x' }}",
        "{{ body.missing not in [1] }}",
        "{{ body.missing in 'text' }}",
        "{{ none }}",
        "{{ body.code }}",
        "{{ not body.missing.upper() }}",
    ],
)
def test_an_expression_that_fails_does_not_hold(expression: str) -> None:
    assert not holds(expression, body={"code": 0})


@pytest.mark.parametrize(
    ("raw", "expression"),
    [
        (b"OK", "{{ body == 'OK' }}"),
        (b"", "{{ body == '' }}"),
        (b'\xef\xbb\xbf{"code": 0}', "{{ body.code == 0 }}"),
        (b"\xff\xfe", "{{ body | length == 2 }}"),
        (b"[1, 2]", "{{ body[1] == 2 }}"),
        (b'{"code": 0', "{{ body.startswith('{') }}"),
    ],
)
def test_a_body_that_is_no_json_is_text(raw: bytes, expression: str) -> None:
    assert holds(expression, raw=raw)


def test_the_first_expression_that_holds_decides() -> None:
    every = {name: "{{ body." + name + " }}" for name in ("already_exists", "accept", "retry", "refuse")}
    order = [Ruling.ALREADY_EXISTS, Ruling.ACCEPT, Ruling.RETRY, Ruling.REFUSE]
    for position, ruling in enumerate(order):
        body = {name: number >= position for number, name in enumerate(every)}
        assert judged(every, body=body).ruling is ruling
    assert judged(every, body=dict.fromkeys(every, False)).ruling is None


def test_the_default_stands_in_accepts_place_and_only_where_there_is_none() -> None:
    retry = "{{ status == 200 }}"
    assert judged({"retry": retry}, by_default=True).ruling is Ruling.ACCEPT
    assert judged({"retry": retry}, by_default=False).ruling is Ruling.RETRY
    assert judged({"already_exists": retry}, by_default=True).ruling is Ruling.ALREADY_EXISTS
    assert judged({"accept": "{{ status == 201 }}", "retry": retry}, by_default=True).ruling is Ruling.RETRY


@pytest.mark.parametrize(
    ("raw", "receipt"),
    [
        (b'{"id": 12345}', "12345"),
        (b'{"id": "abc"}', "abc"),
        (b'{"id": 18446744073709551617123}', "18446744073709551617123"),
        (b'{"id": 1.50}', "1.50"),
        (b'{"id": true}', "true"),
        (b'{"id": null}', None),
        (b'{"id": {"a": 1}}', None),
        (b"{}", None),
        (b"no json", None),
        (b'{"id": "' + b"x" * 300 + b'"}', "x" * 255),
    ],
)
def test_the_receipt_is_the_new_id_as_exact_text(raw: bytes, receipt: str | None) -> None:
    rules = {"accept": "{{ true }}", "receipt": "{{ body.id }}"}
    assert judged(rules, raw=raw) == (Ruling.ACCEPT, receipt)


def test_a_receipt_comes_with_rows_that_were_there_already_too_and_with_no_others() -> None:
    rules = {
        "already_exists": "{{ status == 409 }}",
        "refuse": "{{ status == 400 }}",
        "receipt": "{{ row.id }}-{{ body.id }}",
    }
    rules["receipt"] = "{{ row.id ~ '-' ~ body.id }}"
    assert judged(rules, status=409, body={"id": 1}) == (Ruling.ALREADY_EXISTS, "7-1")
    assert judged(rules, status=400, body={"id": 1}) == (Ruling.REFUSE, None)
    assert judged(rules, status=200, body={"id": 1}, by_default=True) == (Ruling.ACCEPT, "7-1")


def test_a_column_that_is_not_there_is_told_before_any_answer() -> None:
    with pytest.raises(JobError) as error:
        compile_rules(job_with(accept="{{ row.ordr_no == 1 }}"), COLUMNS)
    assert "target.accept: no column 'ordr_no'; did you mean 'order_no'?" in str(error.value)

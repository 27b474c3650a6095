"""What is shown of an API's words: enough to understand, short enough to count by, nothing that is one row's alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.target.complaint import complaint, excerpt


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"message": "total must be positive"}, "total must be positive"),
        ({"code": 40012, "msg": "order 17-A exists"}, "code 40012: order # exists"),
        ({"error": "customer_not_found"}, "code customer_not_found"),
        ({"error": "customer_not_found", "error_description": "no such customer"}, "code customer_not_found: no such customer"),
        ({"error": {"code": "E17", "message": "email 'a@b.c' is taken"}}, "code E17: email … is taken"),
        ({"errors": [{"detail": "name: too long"}, {"detail": "other"}]}, "name: too long"),
        ([{"message": "first"}], "first"),
        ({"title": "Unprocessable", "detail": "sku is unknown", "status": 422}, "sku is unknown"),
        ({"detail": "mail ann@example.com bounced"}, "mail … bounced"),
        ({"detail": 'customer "Ann Smith" is unknown'}, "customer … is unknown"),
        ({"detail": "don't repeat, can't store"}, "don't repeat, can't store"),
        ({"detail": "id 3fa85f64-5717-4562-b3fc-2c963f66afa6 exists"}, "id # exists"),
        ({"message": "  two\nlines \x1b[31m"}, "two lines [#"),
        ({"message": "客户不存在"}, "客户不存在"),
        ({"code": 422, "message": "no"}, "no"),
        ({"code": 0, "message": ""}, ""),
        ({"code": "20251124120000123"}, ""),
        ({"code": True, "message": 5}, ""),
        ({"message": "x" * 100}, "x" * 79 + "…"),
        ({}, ""),
        ([], ""),
        (["x"], ""),
        ("text", ""),
        ({"error": []}, ""),
    ],
)  # fmt: skip
def test_complaints(document: object, said: str) -> None:
    assert complaint(json.dumps(document).encode(), 422) == said


@pytest.mark.parametrize("body", [b"", b"<h1>No</h1>", b'{"message":', b'{"message":"' + b"x" * 70_000 + b'"}'])
def test_what_is_no_json_error_has_no_complaint(body: bytes) -> None:
    assert complaint(body, 500) == ""


@given(st.integers(), st.uuids(), st.datetimes())
def test_rows_that_fail_alike_complain_alike(number: int, uuid: object, moment: object) -> None:
    text = f"order {number} of {uuid} at {moment} exists"
    assert complaint(json.dumps({"message": text}).encode(), 422) == "order # of # at # # exists"


def test_an_excerpt_is_one_printable_line_of_500_characters() -> None:
    assert excerpt(b"a\r\n\tb\x00c \x1b[0m \xe2\x80\xae d \xff") == "a b c [0m d \ufffd"
    assert excerpt("é".encode() * 1000) == "é" * 499 + "…"
    assert excerpt(b"") == ""

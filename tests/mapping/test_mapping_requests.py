"""The parts of a request around its body: url, headers, and what a row may not do to them."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mapping.conftest import KEY, job_with, map_row

from penstock.errors import RowError
from penstock.mapping.mapper import Mapper
from penstock.rows import Row


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://api.example.com", b"/"),
        ("https://api.example.com/v2/orders", b"/v2/orders"),
        ("https://api.example.com?x=1", b"/?x=1"),
        ("https://api.example.com/%20/?q=(a)&c=d%2F", b"/%20/?q=(a)&c=d%2F"),
        ("https://api.example.com/v2/orders/{{ id }}", b"/v2/orders/7"),
        ("https://api.example.com/{{ sku }}/x", b"/a%2Fb%20%26%3F%23%25%40%C3%BC/x"),
        (
            "https://api.example.com/o?sku={{ sku }}&total={{ total }}",
            b"/o?sku=a%2Fb%20%26%3F%23%25%40%C3%BC&total=10.00",
        ),
        ("https://api.example.com/{{ id }}-{{ total }}?{{ id }}={{ '?' }}", b"/7-10.00?7=%3F"),
        ("https://api.example.com/{{ 'x/y' if id == 7 else '?' }}/", b"/x%2Fy/"),
        ("https://api.example.com/o?empty={{ '' }}&dots={{ '..' }}", b"/o?empty=&dots=.."),
        ("https://api.example.com/.../{{ '...' }}", b"/.../..."),
    ],
)
def test_the_url_is_filled_in_and_percent_encoded(url: str, target: bytes) -> None:
    row = {"id": 7, "sku": "a/b &?#%@ü", "total": Decimal("10.00")}
    assert map_row(job_with(url=url), row).target == target


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_value_in_the_query_arrives_as_it_is_and_never_leaves_its_place(value: str) -> None:
    target = map_row(job_with(url="https://api.example.com/o?a={{ a }}&b=1"), {"a": value}).target.decode("ascii")
    assert target.startswith("/o?a=")
    assert target.endswith("&b=1")
    assert unquote(target.removeprefix("/o?a=").removesuffix("&b=1")) == value
    assert not set(target.removeprefix("/o?a=").removesuffix("&b=1")) & set("/?#&@:\\ \r\n")


@pytest.mark.parametrize("value", ["", ".", "..", "../../admin", "a/../b", "a/.", "..\\admin", "./x", "x/.."])
def test_a_row_cannot_make_the_path_stray(value: str) -> None:
    with pytest.raises(RowError, match=r'target\.url: a row may not make a piece of the path empty, "\." or "\.\."'):
        map_row(job_with(url="https://api.example.com/orders/{{ sku }}"), {"sku": value})


def test_two_values_cannot_make_the_path_stray_together() -> None:
    with pytest.raises(RowError, match="may not make a piece of the path"):
        map_row(job_with(url="https://api.example.com/orders/{{ a }}{{ b }}/x"), {"a": ".", "b": "."})


@pytest.mark.parametrize(
    "value", ["@evil.example", "//evil.example", "https://evil.example/", "a.b", "..a", "a..b", "...", "a/b"]
)
def test_a_value_that_looks_like_another_host_stays_one_piece_of_the_path(value: str) -> None:
    target = map_row(job_with(url="https://api.example.com/o/{{ a }}"), {"a": value}).target.decode()
    assert target.count("/") == 2
    assert unquote(target) == f"/o/{value}"


@pytest.mark.parametrize(
    ("value", "said"), [(None, "NULL inside text"), ("\ud800", "surrogate"), ([1], "a list or an object")]
)
def test_what_has_no_text_cannot_stand_in_the_url(value: object, said: str) -> None:
    with pytest.raises(RowError, match=said) as error:
        map_row(job_with(url="https://api.example.com/o/{{ sku }}", body={}), {"sku": value})
    assert 'target.url (column "sku")' in str(error.value)
    assert error.value.column == "sku"


def test_headers_without_expressions_are_said_once_and_the_others_with_each_row() -> None:
    headers = {"Authorization": "Bearer token", "X-Order": "{{ id }}/{{ idempotency_key }}"}
    mapper = Mapper(job_with(headers=headers), ("id",))
    assert mapper.static_headers == (("Authorization", "Bearer token"), ("Content-Type", "application/json"))
    assert mapper.row_headers == ("X-Order",)
    mapped = mapper.map(Row("7", (7,)), KEY)
    assert mapped is not None
    assert mapped.headers == (("X-Order", f"7/{KEY}"),)


@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
def test_a_content_type_of_the_job_files_own_wins(name: str) -> None:
    mapper = Mapper(job_with(headers={name: "application/vnd.api+json"}), ("id",))
    assert mapper.static_headers == ((name, "application/vnd.api+json"),)


def test_get_sends_no_body_and_claims_no_type() -> None:
    mapper = Mapper(job_with(method="GET", url="https://api.example.com/touch/{{ id }}"), ("id",))
    assert mapper.static_headers == ()
    assert mapper.map(Row("7", (7,)), KEY) == (b"/touch/7", (), b"")


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\x00b", "a\x7fb", "a\x1bb", "Ω", "€"])
def test_a_row_cannot_break_out_of_a_header(value: str) -> None:
    with pytest.raises(RowError, match="one line of Latin letters") as error:
        map_row(job_with(headers={"X-Name": "<{{ name }}>"}), {"name": value})
    assert 'target.headers.X-Name (column "name")' in str(error.value)
    assert error.value.column == "name"


def test_latin_letters_and_tabs_may_stand_in_a_header() -> None:
    assert map_row(job_with(headers={"X-Name": "{{ name }}"}), {"name": "Zoë\tÅ"}).headers == (("X-Name", "Zoë\tÅ"),)


def test_the_same_row_gives_the_same_bytes() -> None:
    job = job_with(
        url="https://api.example.com/{{ a }}", headers={"X": "{{ b }}"}, body={"b": "{{ b }}", "a": "{{ row }}"}
    )
    assert map_row(job, {"a": 1, "b": "x"}) == map_row(job, {"a": 1, "b": "x"})

"""A row's values on the wire: exact, whatever their type."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mapping.conftest import Evaluate, job_with, map_row

from penstock.errors import RowError
from penstock.rows import Unreadable

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-(2**80), 2**80),
    st.decimals(allow_nan=False, allow_infinity=False, places=10),
    st.floats(allow_nan=False, allow_infinity=False),
)
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def exact(value: object) -> object:
    """Numbers as Decimal, so that 1.0 and 1.00 are equal and nothing is rounded by the comparison."""
    if isinstance(value, dict):
        return {name: exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return Decimal(repr(value)) if isinstance(value, float) else value


@settings(deadline=None)
@given(JSON_VALUES)
def test_whatever_a_row_holds_arrives_unchanged(value: object) -> None:
    body = map_row(job_with(), {"id": 1, "value": value}).body
    assert json.loads(body, parse_float=Decimal) == {"id": 1, "value": exact(value)}


@settings(deadline=None)
@given(TEXT)
def test_text_of_a_row_is_never_taken_for_a_template(text: str) -> None:
    written = "{{ 7 * 7 }}" + text
    body = map_row(job_with(body={"a": "{{ note }}", "b": "<{{ note }}>"}), {"note": written}).body
    assert json.loads(body) == {"a": written, "b": f"<{written}>"}


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_in_its_shortest_form(value: float) -> None:
    written = json.loads(map_row(job_with(), {"value": value}).body, parse_float=Decimal)["value"]
    assert written == Decimal(repr(value))  # Python's repr is the shortest


@settings(deadline=None)
@given(
    st.datetimes(
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-3, minutes=-30))])
    )
)
def test_a_datetime_is_iso_8601_with_its_offset(moment: datetime) -> None:
    body = map_row(job_with(), {"value": moment}).body
    assert json.loads(body)["value"] == moment.isoformat()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("10.00"), "10.00"),
        (Decimal("0E-7"), "0.0000000"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.00"), "-0.00"),
        (Decimal("12345678901234567890.0123456789"), "12345678901234567890.0123456789"),
        (2**64, "18446744073709551616"),
        (-(2**63) - 1, "-9223372036854775809"),
        (5.2, "5.2"),
        (True, "true"),
        (None, "null"),
        (date(1, 2, 3), '"0001-02-03"'),
        (datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC).replace(tzinfo=None), '"2020-01-02T03:04:05.000006"'),
        (time(23, 59, 59), '"23:59:59"'),
        (timedelta(hours=-838, minutes=-59, seconds=-59), '"-838:59:59"'),
        (timedelta(seconds=1, microseconds=500_000), '"00:00:01.500000"'),
        (b"\x00\xff", f'"{base64.b64encode(bytes([0, 255])).decode()}"'),
        (UUID("12345678-1234-5678-1234-567812345678"), '"12345678-1234-5678-1234-567812345678"'),
        ({"a": [1, {"b": Decimal("1.10")}]}, '{"a":[1,{"b":1.10}]}'),
        ("{{ 7*7 }}", '"{{ 7*7 }}"'),
    ],
)
def test_each_type_has_one_form(value: object, written: str) -> None:
    assert map_row(job_with(), {"value": value}).body.decode() == f'{{"value":{written}}}'


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "nan is not a number that JSON knows"),
        (-math.inf, "-inf is not a number"),
        (Decimal("NaN"), "NaN is not a number"),
        ({"deep": [1, math.nan]}, "deep[1]: nan is not a number"),
        ("\ud800", "surrogate"),
        (Unreadable("'0000-00-00' is no date"), "'0000-00-00' is no date"),
        ({1, 2}, "no JSON form"),
        ({1: 2}, "names in a JSON object are text"),
        pytest.param(10**5000, "thousands of digits", id="a number too long to print"),
    ],
)
@pytest.mark.parametrize("body", [None, {"field": "{{ total }}"}, {"list": [1, "{{ row.total }}"]}])
def test_what_json_cannot_say_fails_the_row_and_names_the_column(value: object, said: str, body: object) -> None:
    with pytest.raises(RowError) as error:
        map_row(job_with(body=body), {"id": 1, "total": value})
    assert said in str(error.value)
    assert 'column "total"' in str(error.value)
    assert error.value.column == "total"


def test_a_document_nested_without_end_fails_the_row() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(RowError, match="nested deeper"):
        map_row(job_with(), {"value": endless})


def test_a_body_beyond_the_cap_fails_the_row_with_its_size() -> None:
    with pytest.raises(RowError, match=r"67,108,\d+ bytes"):
        map_row(job_with(), {"value": "x" * (64 * 1024 * 1024)})


def test_an_unreadable_value_that_the_mapping_does_not_use_does_no_harm() -> None:
    row = {"id": 1, "born": Unreadable("no date")}
    assert map_row(job_with(body={"id": "{{ id }}"}), row).body == b'{"id":1}'


@pytest.mark.parametrize(
    "template",
    [
        "{{ born is none }}",
        "{{ 1 if born else 2 }}",
        "{{ born | default('x') }}",
        "{{ born == 'x' }}",
        "x{{ born }}",
        "{{ row }}",
        "{{ row['bo' ~ 'rn'] }}",
        "{{ row | length }}",
        "{{ [born] }}",
        "{{ born or 1 }}",
        "{{ born.year }}",
        "{{ born.upper() }}",
    ],
)
def test_an_unreadable_value_is_never_taken_for_something_else(evaluate: Evaluate, template: str) -> None:
    with pytest.raises(RowError, match="is no date") as error:
        evaluate(template, born=Unreadable("it is no date"))
    assert error.value.column == "born"

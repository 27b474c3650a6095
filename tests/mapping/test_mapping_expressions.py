"""Expressions over a row: their types, their arithmetic, and what they say when they fail."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from tests.mapping.conftest import KEY, Evaluate, job_with, map_row

from penstock.errors import JobError, RowError
from penstock.mapping.mapper import Mapper


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ total }}", Decimal("10.00")),
        (" {{ total }}\n", Decimal("10.00")),
        ("{{ total | string }}", "10.00"),
        ("{{ total }} EUR", "10.00 EUR"),
        ("{{ id }}{{ id }}", "77"),
        ("number {{ id }}\n", "number 7\n"),
        ("{# a comment #}{{ id }}", 7),
        ("{{ paid }}", True),
        ("paid: {{ paid }}", "paid: true"),
        ("{{ row.id }}", 7),
        ("{{ row['id'] }}", 7),
        ("{{ idempotency_key }}", KEY),
        ("{{ [id, {'a': total}] }}", [7, {"a": Decimal("10.00")}]),
        ("{{ created }}", "2024-01-31T12:00:00+00:00"),
        ("at {{ created }}", "at 2024-01-31T12:00:00+00:00"),
        ("{{ created.year + 1 }}", 2025),
        ("{{ name.upper().split(' ')[0] }}", "ADA"),
        ("{{ name[:3] ~ '.' }}", "Ada."),
        ("{{ meta.tags[0] }}", "new"),
        ("{{ meta.items }}", "a field"),
        ("{{ meta.get('none') }}", None),
        ("{{ 'x' if paid and not total > 100 else 'y' }}", "x"),
        ("{{ 5 < id <= 7 < 8 }}", True),
        ("{{ id in [6, 7] and 'd' not in name[:1] }}", True),
        ("{{ nothing }}", None),
        ("{{ nothing is none and nothing is null }}", True),
        ("{{ nothing or 'default' }}", "default"),
        ("{{ nothing.deeper | default('x') }}", "x"),
        ("{{ meta.missing.deeper is defined }}", False),
        ("plain {text} }} with braces", "plain {text} }} with braces"),
        ("{{ '{{' }}", "{{"),
    ],
)
def test_an_expression_alone_keeps_its_type_and_a_mixed_one_is_text(
    evaluate: Evaluate, template: str, value: object
) -> None:
    found = evaluate(
        template,
        id=7,
        total=Decimal("10.00"),
        paid=True,
        name="Ada Lovelace",
        nothing=None,
        created=datetime(2024, 1, 31, 12, tzinfo=UTC),
        meta={"tags": ["new"], "items": "a field"},
    )
    assert found == value
    assert type(found) is type(value)


def test_what_is_no_text_in_a_body_stays_as_it_is() -> None:
    body = {"n": None, "t": True, "i": 1, "d": Decimal("1.10"), "f": 1.5, "l": [1, "{{ id }}"], "s": "text"}
    assert (
        map_row(job_with(body=body), {"id": 7}).body
        == b'{"n":null,"t":true,"i":1,"d":1.10,"f":1.5,"l":[1,7],"s":"text"}'
    )


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ total * 1.19 }}", "11.9000"),
        ("{{ 1.19 * total }}", "11.9000"),
        ("{{ total + 0.1 + 0.2 }}", "10.30"),
        ("{{ 0.1 + 0.2 }}", "0.3"),
        ("{{ cents / 100 }}", "12345678901234567.89"),
        ("{{ -total }}", "-10.00"),
        ("{{ long * 1.1 }}", "1358024679135802467913579.80250"),
        ("{{ -long }}", "-1234567890123456789012345.2750"),
        ("{{ total - 1 }}", "9.00"),
        ("{{ total // 3 }}", "3"),
        ("{{ cents % 10 }}", "9"),
        ("{{ total ** 2 }}", "100.0000"),
        ("{{ rate * 2 }}", "2.4"),
        ("{{ rate * 1.5 }}", "1.7999999999999998"),
        ("{{ rate + total }}", "11.2"),
    ],
)
def test_arithmetic_is_exact_unless_a_float_takes_part(template: str, value: str) -> None:
    row = {
        "total": Decimal("10.00"),
        "cents": 1234567890123456789,
        "long": Decimal("1234567890123456789012345.2750"),
        "rate": 1.2,
    }
    assert map_row(job_with(body=[template]), row).body.decode() == f"[{value}]"


@settings(deadline=None)
@given(st.decimals(-(10**30), 10**30, places=6), st.decimals(-(10**30), 10**30, places=6))
def test_decimals_add_and_multiply_without_rounding(left: Decimal, right: Decimal) -> None:
    written = map_row(job_with(body=["{{ a + b }}", "{{ a - b }}", "{{ a * b }}"]), {"a": left, "b": right}).body
    a, b = Fraction(left), Fraction(right)
    assert [Fraction(number) for number in json.loads(written, parse_float=Decimal)] == [a + b, a - b, a * b]


@pytest.mark.parametrize(
    "template", ["{{ rate == 1.2 }}", "{{ total == 10.0 }}", "{{ 1.2 in [rate] }}", "{{ rate < 1.3 < total }}"]
)
def test_a_number_literal_meets_decimal_and_float_alike(evaluate: Evaluate, template: str) -> None:
    assert evaluate(template, rate=1.2, total=Decimal("10.00")) is True


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ name * 1.19 }}", "text * DECIMAL cannot be calculated"),
        ("{{ nothing + 1 }}", "NULL + integer cannot be calculated"),
        ("Dear {{ nothing }}", "NULL inside text"),
        ("{{ 'a' ~ nothing }}", "NULL inside text"),
        ("{{ meta.missing }}", "object has no 'missing'"),
        ("{{ meta.missing.deeper ~ 'x' }}", "object has no 'missing'"),
        ("{{ 'x' if nothing }}", "there is no else"),
        ("{{ nothing < 3 }}", "'<' not supported between instances of NULL and 'int'"),
        ("{{ 1 / (id - 7) }}", "division by zero"),
        ("{{ nothing.upper() }}", "NULL has no upper()"),
        ("{{ id.upper() }}", "integer has no upper()"),
        ("{{ meta }} as text", "a list or an object inside text"),
        ("{{ name | int }}", "this text is not a number"),
        ("{{ name | date }}", "date takes a DATE"),
    ],
)
def test_a_failing_expression_names_its_place_and_its_column(evaluate: Evaluate, template: str, said: str) -> None:
    row = {"id": 7, "name": "Ada", "nothing": None, "meta": {"a": 1}}
    [used] = [column for column in row if column in template]
    with pytest.raises(RowError) as error:
        evaluate(template, **row)
    assert said in str(error.value)
    assert str(error.value).startswith(f'target.body.field (column "{used}")')
    assert error.value.column == used


def test_an_expression_of_several_columns_is_named_by_its_place(evaluate: Evaluate) -> None:
    with pytest.raises(RowError, match=r"^target\.body\.field: NULL \+ NULL") as error:
        evaluate("{{ a + b }}", a=None, b=None)
    assert error.value.column == "target.body.field"


@pytest.mark.parametrize(
    "column", ["order no", "if", "none", "Größe", "row", "idempotency_key", "2nd", "lower", "range", "self"]
)
def test_every_column_can_be_reached_behind_row(evaluate: Evaluate, column: str) -> None:
    assert evaluate(f"{{{{ row['{column}'] }}}}", **{column: "value"}) == "value"


def test_names_of_filters_and_of_jinja_are_free_for_columns(evaluate: Evaluate) -> None:
    assert evaluate("{{ lower | lower ~ range ~ self ~ loop }}", lower="A", range="B", self="C", loop="D") == "aBCD"


def test_penstocks_own_names_win_over_columns_of_the_same_name(evaluate: Evaluate) -> None:
    assert evaluate("{{ idempotency_key }}", idempotency_key="column") == KEY
    assert evaluate("{{ row.row }}", row="column") == "column"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"body": {"a": {"b": "{{ emial }}"}}}, "target.body.a.b: no name 'emial'; did you mean 'email'?"),
        ({"body": {"a": ["{{ row.emial }}"]}}, "target.body.a[0]: no column 'emial'; did you mean 'email'?"),
        ({"body": {"a": "{{ row['emial'] | lower }}"}}, "no column 'emial'"),
        ({"url": "https://api.example.com/{{ emial }}"}, "target.url: no name 'emial'"),
        ({"headers": {"X-Id": "{{ emial }}"}}, "target.headers.X-Id: no name 'emial'"),
        ({"body": {"a": "{{ status }}"}}, "no name 'status'"),
    ],
)
def test_an_unknown_name_is_told_before_any_row_is_read(target: dict[str, Any], said: str) -> None:
    with pytest.raises(JobError) as error:
        Mapper(job_with(**target), ("id", "email"))
    assert said in str(error.value)


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(JobError, match="two columns named 'id'"):
        Mapper(job_with(), ("id", "name", "id"))


PLAIN = [
    "a + b * 2 - 1",
    "a > b",
    "a == 3 or b == 4 and not a",
    "[a, b][0]",
    "{'x': a}['x']",
    "name | upper",
    "name[1:]",
    "a in [1, 2, 3]",
    "name ~ a ~ '!'",
    "'big' if a > 100 else 'small'",
    "names | join(', ')",
    "names | map('upper') | list",
    "name | replace('a', 'o')",
    "names | select('in', ['x', 'y']) | list",
    "a is divisibleby 3",
    "-a",
    "names | sort | join",
    "names | length",
    "a // 2",
    "a % 2",
    "name | title",
    "name | truncate(5, True, '')",
    "names | reverse | list",
    "names | unique | list",
    "[a, b] | max",
    "a < b < 100",
    "name.startswith('a')",
    "name | default('x')",
    "names | batch(2) | list",
    "name | wordcount",
]


@pytest.mark.parametrize("expression", PLAIN)
@pytest.mark.parametrize("row", [(3, 4, "ada b", ["x", "y", "x"]), (0, -1, "Zoë", []), (150, 2, "", ["b", "a"])])
def test_expressions_mean_what_they_mean_in_jinja(
    evaluate: Evaluate, expression: str, row: tuple[int, int, str, list[str]]
) -> None:
    names = dict(zip(("a", "b", "name", "names"), row, strict=True))
    expected = Environment(autoescape=False).compile_expression(expression)(**names)
    assert evaluate("{{ " + expression + " }}", **names) == expected


def test_an_instant_before_greenwich_offsets_keeps_its_wall_time(evaluate: Evaluate) -> None:
    moment = datetime(1890, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert evaluate("{{ moment }}", moment=moment) == "1890-01-01T00:00:00+08:06"

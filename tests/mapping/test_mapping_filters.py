"""Every filter, once at the least; and NULL, which goes through all but a few of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from tests.mapping.conftest import Evaluate

from penstock.errors import RowError
from penstock.spec.expression_sandbox import SANDBOX

SHANGHAI = timezone(timedelta(hours=8))
ROW = {
    "name": "ada lovelace",
    "total": Decimal("-1234.565"),
    "rate": 2.675,
    "count": 7,
    "tags": ["b", "a", "b"],
    "people": [{"n": "x", "age": 3, "pay": Decimal("1.10")}, {"n": "y", "age": 1, "pay": Decimal("2.20")}],
    "prices": {"b": 1, "a": 2},
    "created": datetime(2024, 1, 31, 9, 5, 7, 1500, tzinfo=SHANGHAI),
    "born": date(987, 6, 5),
    "flag": True,
    "html": "<b>x & y</b>",
    "json": '{"price": 1.10, "id": 18446744073709551617}',
    "nothing": None,
}

CASES = [
    ("{{ name | capitalize }}", "Ada lovelace"),
    ("{{ 'x' | center(3) }}", " x "),
    ("{{ html | e }}", "&lt;b&gt;x &amp; y&lt;/b&gt;"),
    ("{{ html | escape }}", "&lt;b&gt;x &amp; y&lt;/b&gt;"),
    ("{{ '%05d/%s/%.1f' | format(count, created, rate) }}", "00007/2024-01-31T09:05:07.001500+08:00/2.7"),
    ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
    ("{{ 'ADA' | lower }}", "ada"),
    ("{{ name | replace('a', 'o') }}", "odo loveloce"),
    ("{{ created | replace('T', ' ') }}", "2024-01-31 09:05:07.001500+08:00"),
    ("{{ html | striptags }}", "x & y"),
    ("{{ name | title }}", "Ada Lovelace"),
    ("{{ ' x ' | trim }}", "x"),
    ("{{ '-x-' | trim('-') }}", "x"),
    ("{{ name | truncate(5, true, '') }}", "ada l"),
    ("{{ name | truncate(10) | length <= 10 }}", True),
    ("{{ name | upper }}", "ADA LOVELACE"),
    ("{{ total | upper }}", "-1234.565"),
    ("{{ name | wordcount }}", 2),
    ("{{ 'abcdef' | wordwrap(3) }}", "abc\ndef"),
    ("{{ 'a b/ü' | urlencode }}", "a%20b/%C3%BC"),
    ("{{ {'a': 'x y'} | urlencode }}", "a=x+y"),
    ("{{ total | abs }}", Decimal("1234.565")),
    ("{{ (0 - count) | abs }}", 7),
    ("{{ tags | count }}", 3),
    ("{{ tags | length }}", 3),
    ("{{ created | date }}", "2024-01-31"),
    ("{{ created | date('%Y-%m-%d %H:%M:%S') }}", "2024-01-31 09:05:07"),
    ("{{ created | date('%d.%m.%y, %H:%M:%S.%f %% %z') }}", "31.01.24, 09:05:07.001500 % +0800"),
    ("{{ created | date('%a %b %j') }}", "Wed Jan 031"),
    ("{{ born | date('%Y%m%d') }}", "09870605"),
    ("{{ born | date('%a %Y') }}", "Tue 0987"),
    ("{{ born | date('%d.%m.%Y %H:%M') }}", "05.06.0987 00:00"),
    ("{{ '2024-01-31' | date('%d.%m.%Y') }}", "31.01.2024"),
    ("{{ '2024-01-31 10:11:12' | date('%H:%M') }}", "10:11"),
    ("{{ prices | dictsort }}", [["a", 2], ["b", 1]]),
    ("{{ created | epoch }}", 1706663107),
    ("{{ created | epoch_ms }}", 1706663107001),
    ("{{ '1969-12-31T23:59:59.5Z' | epoch }}", -1),
    ("{{ '2024-01-31T01:05:07+00:00' | epoch }}", 1706663107),
    ("{{ 1536 | filesizeformat }}", "1.5 kB"),
    ("{{ '1.5' | float }}", Decimal("1.5")),
    ("{{ 'x' | float(0.5) }}", Decimal("0.5")),
    ("{{ json | from_json }}", {"price": Decimal("1.10"), "id": 18446744073709551617}),
    ("{{ (json | from_json).price * 2 }}", Decimal("2.20")),
    ("{{ prices | from_json }}", {"b": 1, "a": 2}),
    ("{{ '12.90' | int }}", 12),
    ("{{ '-12345678901234567890.9' | int }}", -12345678901234567890),
    ("{{ total | int }}", -1234),
    ("{{ 'ff' | int(base=16) }}", 255),
    ("{{ 'x' | int(99999) }}", 99999),
    ("{{ prices | items }}", [["b", 1], ["a", 2]]),
    ("{{ 'ab' | list }}", ["a", "b"]),
    ("{{ tags | reverse }}", ["b", "a", "b"]),
    ("{{ name | reverse }}", "ecalevol ada"),
    ("{{ total | round(2) }}", Decimal("-1234.57")),
    ("{{ total | round(2, 'floor') }}", Decimal("-1234.57")),
    ("{{ total | round(2, 'ceil') }}", Decimal("-1234.56")),
    ("{{ total | round }}", Decimal("-1235")),
    ("{{ rate | round(2) }}", Decimal("2.68")),
    ("{{ count | round(-1) }}", 10),
    ("{{ [1, 2, 3] | slice(2) }}", [[1, 2], [3]]),
    ("{{ [1, 2, 3] | batch(2) }}", [[1, 2], [3]]),
    ("{{ flag | string }}", "true"),
    ("{{ total | string }}", "-1234.565"),
    ("{{ created | string }}", "2024-01-31T09:05:07.001500+08:00"),
    ("{{ tags | first }}", "b"),
    ("{{ tags | last }}", "b"),
    ("{{ people | groupby('age') | map('first') }}", [1, 3]),
    ("{{ people | max(attribute='age') }}", {"n": "x", "age": 3, "pay": Decimal("1.10")}),
    ("{{ tags | min }}", "a"),
    ("{{ tags | sort }}", ["a", "b", "b"]),
    ("{{ people | sort(attribute='age') | map(attribute='n') }}", ["y", "x"]),
    ("{{ tags | unique }}", ["b", "a"]),
    ("{{ tags | join(', ') }}", "b, a, b"),
    ("{{ [total, flag] | join('/') }}", "-1234.565/true"),
    ("{{ people | join('', attribute='n') }}", "xy"),
    ("{{ tags | map('upper') }}", ["B", "A", "B"]),
    ("{{ people | map(attribute='pay') | sum }}", Decimal("3.30")),
    ("{{ people | sum(attribute='pay') }}", Decimal("3.30")),
    ("{{ tags | reject('eq', 'a') }}", ["b", "b"]),
    ("{{ people | rejectattr('age', 'gt', 2) | map(attribute='n') }}", ["y"]),
    ("{{ tags | select('in', ['a']) }}", ["a"]),
    ("{{ people | selectattr('n', 'eq', 'x') | list | length }}", 1),
    ("{{ nothing | default('x') }}", "x"),
    ("{{ nothing | d(1.50) }}", Decimal("1.5")),
    ("{{ '' | default('x') }}", ""),
    ("{{ '' | default('x', true) }}", "x"),
    ("{{ prices.missing | default('x') }}", "x"),
    ("{{ {'a': total, 'b': [created]} | tojson }}", '{"a":-1234.565,"b":["2024-01-31T09:05:07.001500+08:00"]}'),
    ("{{ nothing | tojson }}", "null"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "value"), CASES)
def test_a_filter_gives_what_the_reference_says(evaluate: Evaluate, template: str, value: object) -> None:
    assert evaluate(template, **ROW) == value


def test_every_filter_is_among_those_cases() -> None:
    tried = " ".join(template for template, _ in CASES)
    assert {name for name in SANDBOX.filters if f"| {name}" not in tried} == set()


@pytest.mark.parametrize("name", sorted(set(SANDBOX.filters) - {"default", "d", "tojson"}))
def test_null_is_handed_on_as_null(evaluate: Evaluate, name: str) -> None:
    assert evaluate("{{ nothing | " + name + " }}", nothing=None) is None


@pytest.mark.parametrize("name", sorted(set(SANDBOX.filters) - {"default", "d"}))
def test_what_is_missing_is_an_error_in_every_filter_but_default(evaluate: Evaluate, name: str) -> None:
    with pytest.raises(RowError, match=r"has no 'missing'|missing value"):
        evaluate(
            "{{ meta.missing | "
            + {"batch": "batch(2)", "slice": "slice(2)", "groupby": "groupby('a')"}.get(name, name)
            + " }}",
            meta={"a": 1},
        )


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ name | int }}", "int: this text is not a number; | int(0) would put 0 in its place"),
        ("{{ name | float }}", "float: this text is not a number"),
        ("{{ born | epoch }}", "epoch needs a DATETIME with a time zone; set source.timezone"),
        ("{{ '2024-01-31T10:00:00' | epoch_ms }}", "epoch_ms needs a DATETIME with a time zone"),
        ("{{ count | date }}", "date takes a DATE, a DATETIME or its ISO 8601 text, not integer"),
        ("{{ name | from_json }}", "from_json: not JSON"),
        ("{{ '[NaN]' | from_json }}", "NaN is not JSON"),
        ("{{ name | round }}", "round: this text is not a number"),
        ("{{ total | round(1, 'up') }}", "round: no method 'up'; there are common, ceil and floor"),
        ("{{ name | abs }}", "abs: this text is not a number"),
        ("{{ [nothing] | join }}", "NULL inside text"),
        ("{{ '%s' | format(nothing) }}", "NULL inside text"),
        ("{{ '%d' | format(name) }}", "%d format: a real number is required"),
        ("{{ tags | sum }}", "integer + text cannot be calculated"),
        ("{{ tags | lower }}", "a list or an object inside text"),
    ],
)
def test_a_filter_says_what_it_cannot_take(evaluate: Evaluate, template: str, said: str) -> None:
    with pytest.raises(RowError) as error:
        evaluate(template, **ROW)
    assert said in str(error.value)


def test_dates_are_not_tied_to_the_machines_time_zone(evaluate: Evaluate) -> None:
    moment = datetime(2024, 1, 31, 23, 30, tzinfo=UTC)
    assert evaluate("{{ moment | date('%d %H:%M') }}", moment=moment) == "31 23:30"

"""What may be written between {{ and }}, told before any row is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.spec.expression_sandbox import METHODS, SANDBOX
from penstock.spec.expressions import check_expression, check_template, expression_names, has_expression

NAMES = frozenset({"status", "headers", "body", "row"})


@pytest.mark.parametrize(
    "text",
    [
        "no expression",
        "braces { } and }} alone",
        "{{ body }}",
        "{{ body.a['b'][0][1:2] }} and {{ status }}",
        "{# a comment #}",
        "{% raw %}{{ as it is }}{% endraw %}",
        "{{ 'x' if status < 300 else [1, {'a': 2.5}] }}",
        "{{ body.tags | map('lower') | select('in', ['a']) | join(', ') }}",
        "{{ body.name.strip().split(' ')[0] }}",
        "{{ -status + 2 ** 3 // 4 % 5 }}",
        "{{ body.__class__ }}",  # a key of that name, if there is one; never the class
    ],
)
def test_expressions_of_jinja_are_known(text: str) -> None:
    assert check_template(text, NAMES) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ stauts }}", "no name 'stauts'; did you mean 'status'?"),
        ("{{ x.y }}", "no name 'x'; there are: body, headers, row, status"),
        ("{{ self }}", "no name 'self'"),
        ("{{ range(3) }}", "no function range(); filters stand behind their value"),
        ("{{ lower(body) }}", "x | name; did you mean 'lower'?"),
        ("{{ body | lowr }}", "no filter 'lowr'; did you mean 'lower'?"),
        ("{{ body | xyzzy }}", "no filter 'xyzzy'; docs/reference/expressions.md lists every filter"),
        ("{{ body | random }}", "no filter 'random' here: the same row must give the same request each time"),
        ("{{ body | attr('x') }}", "no filter 'attr' here: write x.name or x['name']"),
        ("{{ body is definde }}", "no test 'definde'; did you mean 'defined'?"),
        ("{{ body.uper() }}", "no method 'uper()'; did you mean 'upper()'?"),
        ("{{ body.format(1) }}", "no method 'format()'"),
        ("{{ body['upper']() }}", "only methods can be called"),
        ("{{ body.upper()() }}", "only methods can be called"),
        ("{{ body.index(*body) }}", "* and ** before an argument"),
        ("{{ body | default(**row) }}", "* and ** before an argument"),
        ("{% if status %}x{% endif %}", "statements {% ... %} are not known here"),
        ("{% set x = 1 %}", "statements {% ... %} are not known here"),
        ("{% include 'x' %}", "statements {% ... %} are not known here"),
        ("{{ status", "unexpected end of template"),
        ("{{ status }", "unexpected '}'"),
        ("{{ }}", "Expected an expression"),
        ("{{ a b }}", "expected token 'end of print statement', got 'b'"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deep"),
        ("{{ " + "-" * 5000 + "1 }}", "nested too deep"),
        ("{{ 1" + " + 1" * 200 + " }}", "nested too deep"),
        ("{{ status }}" * 2000, "longer than 20,000 characters"),
        ("{{ 1" + "0" * 5000 + " }}", "a number of more than 1,000 digits"),
        ("{{ 1.1234567890123456789 }}", "1.1234567890123456789 has more digits than a literal keeps"),
        ("{{ 1e999 }}", "1e999 has more digits"),
    ],
)
def test_what_cannot_be_used_is_said_with_a_way_out(text: str, problem: str) -> None:
    said = check_template(text, NAMES)
    assert said is not None
    assert problem in said
    assert len(said) < 300


@pytest.mark.parametrize("text", ["{{ status }}", "  {{ status }}\n", "{{ status }}{# why #}"])
def test_an_expression_may_have_blanks_and_comments_around_it(text: str) -> None:
    assert check_expression(text, NAMES) is None


@pytest.mark.parametrize(
    "text", ["", "status == 200", "{{ status }} x", "{{ status }}{{ body }}", "{# only a comment #}"]
)
def test_one_expression_is_exactly_one(text: str) -> None:
    assert check_expression(text, NAMES) == "exactly one expression is needed here: {{ ... }}"


def test_names_that_are_not_known_yet_are_let_through() -> None:
    assert check_template("{{ some_column | lower }}") is None


def test_the_names_of_a_template_are_told() -> None:
    assert expression_names("{{ a.b | default(c) }} {{ 'd' ~ e }} {{ a if f else none }}") == {"a", "c", "e", "f"}


@pytest.mark.parametrize(
    ("text", "has"), [("a", False), ("}}", False), ("{{ a }}", True), ("{# a #}", True), ("{% a %}", True)]
)
def test_a_text_has_an_expression_if_it_is_more_than_plain_text(text: str, has: bool) -> None:
    assert has_expression(text) is has


@settings(deadline=None)
@given(
    st.text()
    | st.lists(
        st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "a", "|", ".", "(", ")", "'", "1", "~", " ", "if"])
    ).map("".join)
)
def test_no_text_breaks_the_check(text: str) -> None:
    for said in (check_template(text), check_expression(text, NAMES)):
        assert said is None or said


REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "expressions.md").read_text()


@pytest.mark.parametrize("word", sorted({*SANDBOX.filters, *SANDBOX.tests, *METHODS}))
def test_the_reference_names_every_filter_test_and_method(word: str) -> None:
    assert re.search(rf"`{re.escape(word)}[`(]", REFERENCE)


@pytest.mark.parametrize("example", sorted(set(re.findall(r"`\"?({{[^`]*}})\"?`", REFERENCE)) - {"{{ 7 * 7 }}"}))
def test_the_references_examples_are_expressions(example: str) -> None:
    assert check_template(example.replace("\\|", "|")) is None  # escaped inside a table

"""YAML as job files mean it: version 1.2, no tags, no merges, nothing twice, nothing that blows up."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from penstock.errors import JobFileError
from penstock.spec.environment import Variables, fill
from penstock.spec.problems import Problems
from penstock.spec.tree import nearest
from penstock.spec.yaml_text import DEEPEST, read_yaml

if TYPE_CHECKING:
    from pathlib import Path


def problems_in(text: str) -> list[str]:
    problems = Problems("orders.yaml")
    try:
        read_yaml(text, problems)
    except JobFileError as error:
        return [str(problem) for problem in error.problems]
    return [str(problem) for problem in problems.error().problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("'null'", "null"),
        ('"5"', "5"),
        ("5", 5),
        ("-007", -7),
        ("0o17", 15),
        ("0xff", 255),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01 10:00:00", "2024-01-01 10:00:00"),
        ("1.50", Decimal("1.50")),
        ("1e3", Decimal("1E+3")),
        (".5", Decimal("0.5")),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999999", "1e999999"),
        ("٣", "٣"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(written: str, value: object, tmp_path: Path) -> None:
    problems = Problems("orders.yaml")

    filled = fill(read_yaml(f"a: {written}", problems), Variables({}, tmp_path), problems)

    assert filled == {"a": value}
    assert isinstance(filled, dict)
    assert type(filled["a"]) is type(value)
    assert not problems


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "orders.yaml: is empty"),
        ("# nothing but words\n", "orders.yaml: is empty"),
        ("- a\n- b\n", "orders.yaml:1: is no mapping"),
        ("just text", "orders.yaml:1: is no mapping"),
        ("a: 1\n---\nb: 2\n", "orders.yaml:2: a second document begins here"),
        ("%YAML 1.1\n---\na: on\n", "asks for another version of YAML"),
        ("a: 1\nb: 2\na: 3\n", "orders.yaml:3: a: is there twice, first in line 1"),
        ("x: {a: 1, a: 2}", "orders.yaml:1: x.a: is there twice"),
        ("a: !!python/object:os.system x", "orders.yaml:1: a: has a tag"),
        ("a: !secret x", "orders.yaml:1: a: has a tag"),
        ("a: ! x", "orders.yaml:1: a: has a tag"),
        ("a: !!str 5", "orders.yaml:1: a: has a tag"),
        ("a: &x {k: v}\nb:\n  <<: *x\n", "orders.yaml:3: b.<<: merges another mapping"),
        ("a: *nothing", "orders.yaml:1: a: is an alias (*...) of no anchor"),
        ("a: &x [*x]", "orders.yaml:1: a[0]: is an alias (*...) of no anchor"),
        ("a:\nb: 1\n", "orders.yaml:1: a: has no value"),
        ("? [a]\n: 1\n", "a key is no plain text"),
        ("!x a: 1\n", "a key is no plain text"),
        ("%YAML 1.0 \n---\na: 1\n", "it cannot be read from here on"),
        ('a: 1\nb: "\\U99999999"\n', "orders.yaml:2: this is no YAML: it cannot be read from here on"),
        ('a: "\\ud800"', "orders.yaml:1: half a character"),
        ('"\\udfff": 1', "orders.yaml:1: half a character"),
        ("a: b: c\n", "orders.yaml:1: this is no YAML"),
        ("a: [1, 2\nb: 3\n", "this is no YAML"),
        ("a: '5\n", "this is no YAML"),
        ("\tb: 1\n", "this is no YAML"),
        ("a: \x07\n", "this is no YAML: it holds a character that YAML does not allow"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    assert any(said in problem for problem in problems_in(text)), problems_in(text)


def test_a_password_that_looks_like_an_alias_or_a_tag_is_not_told() -> None:
    for text in (
        "password: *hunter2",
        "password: !hunter2 x",
        "password: !hunter2!x y",
        "password: &hunter2 &hunter3 x",
    ):
        assert "hunter" not in "".join(problems_in(text))


def test_a_billion_laughs_are_refused() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 10):
        text += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"

    assert "its aliases stand for too much" in problems_in(text)[0]


def test_a_long_chain_of_aliases_is_refused_too() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, DEEPEST + 2))

    assert "its aliases stand for too much" in problems_in(text)[0]


def test_nesting_has_an_end() -> None:
    assert f"goes deeper than {DEEPEST} levels" in problems_in("a: " + "[" * 5000)[0]


def test_every_value_knows_its_line() -> None:
    root = read_yaml("a:\n  b:\n    - x\n    - c: |\n        text\n\nd: &d {e: 1}\nf: *d\n", Problems("orders.yaml"))

    lines = {at: nearest(root, at)[0].line for at in [("a",), ("a", "b"), ("a", "b", 0), ("a", "b", 1, "c"), ("f",)]}
    assert lines == {("a",): 1, ("a", "b"): 2, ("a", "b", 0): 3, ("a", "b", 1, "c"): 4, ("f",): 8}


def test_a_place_that_is_not_there_is_told_at_the_nearest_one() -> None:
    root = read_yaml("a:\n  b: 1\n", Problems("orders.yaml"))

    node, exact = nearest(root, ("a", "c", 5))
    assert (node.line, exact) == (1, False)

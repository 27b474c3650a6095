"""The calculations of the page on sizing come out as it says."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable

import pytest
from tests.project.deploy_files import ROOT

_PAGE = (ROOT / "docs" / "how-to" / "sizing.md").read_text()
_BLOCKS = re.findall(r"^```text\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"(?P<label>.+?)  +(?P<calculation>[\d,.()×/+ ]+) = (?P<result>[\d,.]*\d)(?![\d,.]*\d)")
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
LINES = [line for block in _BLOCKS for line in block.splitlines()]


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _worth(node: ast.expr) -> float:
    match node:
        case ast.BinOp(left, operation, right):
            return _OPERATORS[type(operation)](_worth(left), _worth(right))
        case ast.Constant(int() | float() as value):
            return float(value)
        case other:
            raise ValueError(ast.dump(other))


def _calculated(text: str) -> float:
    # A comma within a number, never between numbers; 0.020 and the like are no octal numbers.
    return _worth(ast.parse(text.replace(",", "").replace("×", "*").strip(), mode="eval").body)


def test_the_calculations_are_found() -> None:
    assert len(LINES) > 40


@pytest.mark.parametrize("line", LINES)
def test_a_calculation_comes_out(line: str) -> None:
    found = _LINE.match(line)
    assert found, "a label, two spaces, a calculation, = and its result"
    assert _calculated(found["calculation"]) == pytest.approx(_number(found["result"]), rel=0.03)

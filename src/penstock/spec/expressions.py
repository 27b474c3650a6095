"""Expressions of the job file: what may be written between {{ and }}, told before any row is read.

A *template* is text with any number of expressions in it; an *expression* here is a text that is one expression and nothing
else. Only the expressions of Jinja2 are known, not its statements: a body is data, not a page. Text of a row never comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeAlias

from jinja2 import TemplateSyntaxError, nodes

from penstock.spec.expression_filters import LEFT_OUT
from penstock.spec.expression_sandbox import METHODS, SANDBOX
from penstock.spec.suggest import did_you_mean

# A template, taken apart: text and expressions in turn.
Parts: TypeAlias = tuple[str | nodes.Expr, ...]

MAX_LENGTH = 20_000
MAX_DEPTH = 100

_VALUES = (
    nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.CondExpr, nodes.Filter, nodes.Test,
    nodes.Call, nodes.Keyword, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.BinExpr, nodes.UnaryExpr,
)  # fmt: skip


class ExpressionError(ValueError):
    """An expression that cannot be used. Its text is for people and quotes nothing from outside the braces."""


def has_expression(text: str) -> bool:
    """Whether the text is more than plain text: it has an expression, a comment or (to be refused) a statement."""
    return "{{" in text or "{#" in text or "{%" in text


def check_expression(text: str, names: frozenset[str] | None = None) -> str | None:
    """What is wrong with a text that should be exactly one expression; None if nothing is.
    names: what may stand in it; None: not known yet."""
    try:
        parse_expression(text, names)
    except ExpressionError as error:
        return str(error)
    return None


def check_template(text: str, names: frozenset[str] | None = None) -> str | None:
    """What is wrong with a text that may hold expressions; None if nothing is. names: as for `check_expression`."""
    try:
        parse_template(text, names)
    except ExpressionError as error:
        return str(error)
    return None


def expression_names(text: str) -> frozenset[str]:
    """The names that a template uses. Raises ExpressionError if it cannot be parsed."""
    return frozenset(
        name.name for part in parse_template(text) if not isinstance(part, str) for name in _every(part, nodes.Name)
    )


def parse_expression(text: str, names: frozenset[str] | None = None) -> nodes.Expr:
    """Exactly one expression. Raises ExpressionError."""
    alone = alone_in(parse_template(text, names))
    if alone is None:
        raise ExpressionError("exactly one expression is needed here: {{ ... }}")
    return alone


def parse_template(text: str, names: frozenset[str] | None = None) -> Parts:
    """Text and expressions in turn; comments are gone. Raises ExpressionError."""
    if not has_expression(text):
        return (text,)
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"it is longer than {MAX_LENGTH:,} characters; a transform: function can do more")
    try:
        _refuse_long_numbers(text)
        template = SANDBOX.parse(text)
        parts = tuple(_parts(template.body))
        for part in parts:
            if not isinstance(part, str):
                _check(part, names, 0)
    except TemplateSyntaxError as error:
        raise ExpressionError(f"{error.message}; write {{{{ column }}}} or {{{{ column | filter }}}}") from None
    except (RecursionError, MemoryError):
        raise ExpressionError("it is nested too deep") from None
    return parts


def alone_in(parts: Parts) -> nodes.Expr | None:
    """The expression of a template that is nothing else: blanks around it do not count, so that it keeps its type."""
    expressions = [part for part in parts if not isinstance(part, str)]
    blank = all(part.isspace() for part in parts if isinstance(part, str))
    return expressions[0] if len(expressions) == 1 and blank else None


def _parts(body: Iterable[nodes.Node]) -> Iterator[str | nodes.Expr]:
    for statement in body:
        if not isinstance(statement, nodes.Output):
            raise ExpressionError("statements {% ... %} are not known here; write {{ a if condition else b }}")
        for part in statement.nodes:
            yield part.data if isinstance(part, nodes.TemplateData) else part


def _refuse_long_numbers(text: str) -> None:
    """Jinja reads 1.19 as a float. Its shortest form gives the number back, unless more was written than a float holds."""
    for _, kind, written in SANDBOX.lex(text):
        if kind == "integer" and len(written) > 1000:
            raise ExpressionError("a number of more than 1,000 digits")
        if kind == "float" and literal(float(written)) != Decimal(written.replace("_", "")):
            raise ExpressionError(
                f"{written[:40]} has more digits than a literal keeps; write {{{{ '...' | from_json }}}}"
            )


def literal(number: float) -> Decimal:
    """A number with a point, as it was written."""
    return Decimal(repr(number))


def _check(node: nodes.Node, names: frozenset[str] | None, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ExpressionError("it is nested too deep")
    match node:
        case nodes.Name(name=name):
            _check_known(name, names)
        case nodes.Filter(name=name):
            _check_filter(name)
        case nodes.Test(name=name) if name not in SANDBOX.tests:
            raise ExpressionError(_unknown("test", name, SANDBOX.tests))
        case nodes.Call():
            _check_call(node)
        case _ if not isinstance(node, _VALUES):
            raise ExpressionError(f"{type(node).__name__.lower()} is not known here")
    if getattr(node, "dyn_args", None) is not None or getattr(node, "dyn_kwargs", None) is not None:
        raise ExpressionError("* and ** before an argument are not known here")
    for child in node.iter_child_nodes():
        # The method's own name in `x.upper()` is checked with the call.
        _check(child, names, depth + 1)


def _check_known(name: str, names: frozenset[str] | None) -> None:
    if names is not None and name not in names:
        known = ", ".join(sorted(names)[:30])
        hint = did_you_mean(name, names)
        raise ExpressionError(
            f"no name {name!r}; {hint} there are: {known}" if hint else f"no name {name!r}; there are: {known}"
        )


def _check_filter(name: str) -> None:
    if name in LEFT_OUT:
        raise ExpressionError(f"no filter {name!r} here: {LEFT_OUT[name]}")
    if name not in SANDBOX.filters:
        raise ExpressionError(_unknown("filter", name, SANDBOX.filters))


def _check_call(node: nodes.Call) -> None:
    match node.node:
        case nodes.Getattr(attr=name) if name in METHODS:
            return
        case nodes.Getattr(attr=name):
            raise ExpressionError(_unknown("method", f"{name}()", {f"{method}()" for method in METHODS}))
        case nodes.Name(name=name):
            hint = did_you_mean(name, SANDBOX.filters)
            raise ExpressionError(
                f"no function {name}(); filters stand behind their value: x | name" + (f"; {hint}" if hint else "")
            )
        case _:
            raise ExpressionError("only methods can be called: x.upper()")


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    hint = did_you_mean(name, known)
    return f"no {kind} {name!r}; {hint or f'docs/reference/expressions.md lists every {kind}'}"


def _every(node: nodes.Expr, kind: type[nodes.Name]) -> Iterator[nodes.Name]:
    if isinstance(node, kind):
        yield node
    yield from node.find_all(kind)

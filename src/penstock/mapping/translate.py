"""Jinja2's syntax tree → Python's: an expression of the job file becomes a piece of one Python function.

Jinja2's own way, a template for each expression and a context for each row, costs seventy times as much. What is generated here
reads columns by position, calls the sandbox's filters directly, and leaves every access to data to the sandbox. No text is
ever put together, so nothing that stands in a job file can become code.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import nodes

from penstock.mapping.function import Function, joined
from penstock.mapping.scope import ROW, Scope, unreadable, whole_row
from penstock.rows import Unreadable
from penstock.spec.expression_numbers import BINARY, COMPARISONS, is_in, is_not_in, negative, positive
from penstock.spec.expression_sandbox import SANDBOX
from penstock.spec.expressions import ExpressionError, literal
from penstock.spec.suggest import did_you_mean
from penstock.spec.wire import to_text

_NATIVE = {"eq": ast.Eq, "ne": ast.NotEq, "lt": ast.Lt, "lteq": ast.LtE, "gt": ast.Gt, "gteq": ast.GtE}
_TESTS: Mapping[str, Any] = SANDBOX.tests
_COMPARE = {**COMPARISONS, "in": is_in, "notin": is_not_in}


class Translator:
    """Translates one expression. columns_used: those that it reads."""

    def __init__(self, scope: Scope, function: Function) -> None:
        self.columns_used: set[str] = set()
        self._scope = scope
        self._function = function
        self._call = function.call

    def value(self, node: nodes.Expr) -> ast.expr:
        """An expression that goes to the wire as it is: there a value that could not be read makes itself heard."""
        column = self._column_of(node)
        return self.operand(node) if column is None else self._position(column)

    def text(self, node: nodes.Expr) -> ast.expr:
        return self._call(to_text, self.value(node))

    def operand(self, node: nodes.Expr) -> ast.expr:
        """An expression whose value something is done with."""
        column = self._column_of(node)
        if column is not None:
            return self._readable(column)
        match node:
            case nodes.Name(name=name):
                return self._name(name)
            case nodes.Const(value=value):
                return self._function.constant(literal(value)) if isinstance(value, float) else ast.Constant(value)
            case nodes.Filter(node=subject) if subject is not None:
                return self._applied(SANDBOX.filters[node.name], subject, node)
            case nodes.Test():
                return self._applied(_TESTS[node.name], node.node, node)
            case nodes.Call(node=nodes.Getattr(node=subject, attr=method)):
                return self._applied(functools.partial(SANDBOX.call_method, method), subject, node)
            case _:
                return self._access(node)

    def _access(self, node: nodes.Expr) -> ast.expr:
        match node:
            case nodes.Getattr(node=subject, attr=name):
                return self._attribute(self.operand(subject), name)
            case nodes.Getitem(node=subject, arg=argument):
                return self._call(SANDBOX.getitem, self.operand(subject), self._subscript(argument))
            case nodes.List(items=items) | nodes.Tuple(items=items):
                return ast.List([self.operand(item) for item in items], ast.Load())
            case nodes.Dict(items=pairs):
                return ast.Dict(
                    [self.operand(pair.key) for pair in pairs], [self.operand(pair.value) for pair in pairs]
                )
            case _:
                return self._operator(node)

    def _attribute(self, subject: ast.expr, name: str) -> ast.expr:
        """(of["name"] if type(of := subject) is dict and "name" in of else getattr(of, "name")): nearly always it is a dict that
        has it, and the sandbox, which would look there first, need not be called."""
        of, key = ast.Name("of", ast.Load()), ast.Constant(name)
        bound = ast.NamedExpr(ast.Name("of", ast.Store()), subject)
        is_dict = ast.Compare(
            ast.Call(self._function.constant(type), [bound], []), [ast.Is()], [self._function.constant(dict)]
        )
        has_it = ast.BoolOp(ast.And(), [is_dict, ast.Compare(key, [ast.In()], [of])])
        return ast.IfExp(has_it, ast.Subscript(of, key, ast.Load()), self._call(SANDBOX.getattr, of, key))

    def _operator(self, node: nodes.Expr) -> ast.expr:
        match node:
            case nodes.CondExpr(test=test, expr1=then, expr2=otherwise):
                nothing = SANDBOX.undefined(hint="the condition does not hold, and there is no else")
                other = self._function.constant(nothing) if otherwise is None else self.operand(otherwise)
                return ast.IfExp(self.operand(test), self.operand(then), other)
            case nodes.Concat(nodes=parts):
                return joined([self.text(part) for part in parts])
            case nodes.Compare(expr=first, ops=operands):
                return self._comparison(first, operands)
            case nodes.And(left=left, right=right):
                return ast.BoolOp(ast.And(), [self.operand(left), self.operand(right)])
            case nodes.Or(left=left, right=right):
                return ast.BoolOp(ast.Or(), [self.operand(left), self.operand(right)])
            case nodes.Not(node=operand):
                return ast.UnaryOp(ast.Not(), self.operand(operand))
            case nodes.Neg(node=operand):
                return self._call(negative, self.operand(operand))
            case nodes.Pos(node=operand):
                return self._call(positive, self.operand(operand))
            case nodes.BinExpr(left=left, right=right):
                return self._call(BINARY[node.operator], self.operand(left), self.operand(right))
            case _:
                raise ExpressionError(f"{type(node).__name__.lower()} is not known here")

    def _applied(
        self, function: Callable[..., Any], subject: nodes.Expr, node: nodes.Filter | nodes.Test | nodes.Call
    ) -> ast.expr:
        arguments = [self.operand(argument) for argument in node.args]
        named: dict[str, ast.expr] = {str(pair.key): self.operand(pair.value) for pair in node.kwargs}
        return self._call(function, self.operand(subject), *arguments, **named)

    def _comparison(self, first: nodes.Expr, operands: Sequence[nodes.Operand]) -> ast.expr:
        """`a < b < c` is `a < b and b < c`: expressions have no effects, so the middle may be evaluated twice."""
        left, links = first, list[ast.expr]()
        for operand in operands:
            links.append(self._compared(operand.op, left, operand.expr))
            left = operand.expr
        return links[0] if len(links) == 1 else ast.BoolOp(ast.And(), links)

    def _compared(self, operator: str, left: nodes.Expr, right: nodes.Expr) -> ast.expr:
        if operator in _NATIVE and (_is_plain(left) or _is_plain(right)):
            return ast.Compare(self.operand(left), [_NATIVE[operator]()], [self.operand(right)])
        return self._call(_COMPARE[operator], self.operand(left), self.operand(right))

    def _subscript(self, node: nodes.Expr) -> ast.expr:
        if isinstance(node, nodes.Slice):
            bounds = (node.start, node.stop, node.step)
            return self._call(
                slice, *(ast.Constant(None) if bound is None else self.operand(bound) for bound in bounds)
            )
        return self.operand(node)

    def _name(self, name: str) -> ast.expr:
        if name in self._scope.names:
            return ast.parse(self._scope.names[name], mode="eval").body
        if name == ROW and ROW in self._scope.arguments:
            self.columns_used |= self._scope.columns.keys()
            return self._call(functools.partial(whole_row, self._scope.columns), ast.Name(ROW, ast.Load()))
        raise ExpressionError(f"no name {name!r}")

    def _column_of(self, node: nodes.Expr) -> str | None:
        """The column that a node names: `x`, `row.x` or `row['x']`. Raises ExpressionError for a column that is not there."""
        match node:
            case nodes.Name(name=name) if (
                self._scope.columns_are_names and name not in self._scope.names and name != ROW
            ):
                column = name
            case nodes.Getattr(node=nodes.Name(name="row"), attr=name):
                column = name
            case nodes.Getitem(node=nodes.Name(name="row"), arg=nodes.Const(value=str(name))):
                column = name
            case _:
                return None
        if ROW not in self._scope.arguments:
            return None
        if column not in self._scope.columns:
            hint = did_you_mean(column, self._scope.columns)
            columns = ", ".join(list(self._scope.columns)[:30])
            raise ExpressionError(
                f"no column {column!r}" + (f"; {hint}" if hint else "") + f"; the query gives: {columns}"
            )
        return column

    def _position(self, column: str) -> ast.expr:
        self.columns_used.add(column)
        return ast.Subscript(ast.Name(ROW, ast.Load()), ast.Constant(self._scope.columns[column]), ast.Load())

    def _readable(self, column: str) -> ast.expr:
        """(value if type(value := row[3]) is not Unreadable else refuse(value))"""
        bound = ast.NamedExpr(ast.Name("value", ast.Store()), self._position(column))
        is_readable = ast.Compare(
            ast.Call(self._function.constant(type), [bound], []), [ast.IsNot()], [self._function.constant(Unreadable)]
        )
        value = ast.Name("value", ast.Load())
        return ast.IfExp(is_readable, value, self._call(functools.partial(_refuse, column), value))


def _is_plain(node: nodes.Expr) -> bool:
    """A literal that compares in Python as it does here: anything but a number with a point."""
    return isinstance(node, nodes.Const) and not isinstance(node.value, float)


def _refuse(column: str, value: Unreadable) -> object:
    raise unreadable(value, column)

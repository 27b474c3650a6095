"""A part of the mapping, compiled: one function for the whole of it, and one for each expression, to tell which one failed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from jinja2 import nodes

from penstock.errors import JobError, RowError
from penstock.mapping.function import Function, joined
from penstock.mapping.scope import ROW, Scope
from penstock.mapping.translate import Translator
from penstock.spec.expressions import ExpressionError, Parts, alone_in, parse_template
from penstock.spec.wire import to_json, to_text

_LONGEST_REASON = 300

_Translate: TypeAlias = Callable[[Translator, nodes.Expr], ast.expr]


class Leaf(NamedTuple):
    """One expression of a part. path: where it stands, "body.buyer.email". columns: those it uses."""

    path: str
    columns: frozenset[str]
    evaluate: Callable[..., Any]


class Compiled(NamedTuple):
    """evaluate: the whole part as a function of the scope's arguments; it raises whatever its expressions raise."""

    evaluate: Callable[..., Any]
    leaves: tuple[Leaf, ...]

    def blame(self, error: Exception, *arguments: object) -> RowError:
        """The error again, with the expression and the column at fault named."""
        for leaf in self.leaves:
            column = next(iter(leaf.columns)) if len(leaf.columns) == 1 else ""
            try:
                value = leaf.evaluate(*arguments)
            except Exception as fault:
                column = column or (fault.column if isinstance(fault, RowError) else "")
                return RowError(f"{_place(leaf.path, column)}: {explain(fault)}", column=column or leaf.path)
            try:
                to_json(value, _place(leaf.path, column))
            except RowError as fault:
                return RowError(str(fault), column=column or leaf.path)
        return error if isinstance(error, RowError) else RowError(explain(error))


def _place(path: str, column: str) -> str:
    return f'{path} (column "{column}")' if column else path


def explain(error: Exception) -> str:
    """An exception of Python's in the words of a job file."""
    if isinstance(error, RowError):
        return str(error)
    if isinstance(error, ArithmeticError):
        return "division by zero" if "zero" in repr(error).lower() else "a result beyond what DECIMAL or FLOAT can hold"
    text = str(error).replace("'NoneType'", "NULL").replace("'decimal.Decimal'", "DECIMAL").replace("'str'", "text")
    return text[:_LONGEST_REASON] or type(error).__name__


class Part:
    """Puts a part of the mapping together, expression by expression. Raises JobError, with the path, for what cannot be used."""

    def __init__(self, scope: Scope) -> None:
        self.function = Function(scope.arguments)
        self._scope = scope
        self._leaves: list[Leaf] = []

    def document(self, document: object, path: str) -> ast.expr:
        """A JSON document with expressions in its texts."""
        if isinstance(document, str):
            return self.template(document, path)
        if isinstance(document, Mapping):
            values = [self.document(value, f"{path}.{name}") for name, value in document.items()]
            return ast.Dict([ast.Constant(str(name)) for name in document], values)
        if isinstance(document, list | tuple):
            items = [self.document(value, f"{path}[{position}]") for position, value in enumerate(document)]
            return ast.List(items, ast.Load())
        if document is None or isinstance(document, bool | int | float):
            return ast.Constant(document)
        if isinstance(document, Decimal):
            return self.function.constant(document)
        raise JobError(f"{path}: a value of type {type(document).__name__} has no place in a body")

    def row(self) -> ast.expr:
        """The row itself, as a document."""
        columns = list(self._scope.columns)
        values = [self.expression(_row_item(column), f"target.body.{column}", _value) for column in columns]
        return ast.Dict([ast.Constant(column) for column in columns], values)

    def template(self, text: str, path: str) -> ast.expr:
        """A text with expressions: one alone keeps its type, several or mixed ones become text."""
        parts = self.parse(text, path)
        alone = alone_in(parts)
        if alone is not None:
            return self.expression(alone, path, _value)
        return self.text(parts, path, to_text)

    def alone(self, text: str, path: str) -> ast.expr:
        """A text that is exactly one expression."""
        node = alone_in(self.parse(text, path))
        if node is None:
            raise JobError(f"{path}: exactly one expression is needed here: {{{{ ... }}}}")
        return self.expression(node, path, _value)

    def text(self, parts: Parts, path: str, form: Callable[[object], str]) -> ast.expr:
        """Text and expressions put together. form: makes an expression's value text."""
        return joined(
            [part if isinstance(part, str) else self.expression(part, path, self._as(form)) for part in parts]
        )

    def _as(self, form: Callable[[object], str]) -> _Translate:
        return lambda translator, node: self.function.call(form, translator.value(node))

    def expression(self, node: nodes.Expr, path: str, translate: _Translate) -> ast.expr:
        translator = Translator(self._scope, self.function)
        try:
            translated = translate(translator, node)
        except ExpressionError as error:
            raise JobError(f"{path}: {error}") from None
        columns = frozenset(translator.columns_used)
        self._leaves.append(Leaf(path, columns, self.function.returning(translated)))
        return translated

    def parse(self, text: str, path: str) -> Parts:
        try:
            return parse_template(text, self._scope.known)
        except ExpressionError as error:
            raise JobError(f"{path}: {error}") from None

    def compiled(self, whole: ast.expr) -> Compiled:
        return Compiled(self.function.returning(whole), tuple(self._leaves))


def _value(translator: Translator, node: nodes.Expr) -> ast.expr:
    return translator.value(node)


def _row_item(column: str) -> nodes.Expr:
    """row['column']"""
    return nodes.Getitem(nodes.Name(ROW, "load"), nodes.Const(column), "load")

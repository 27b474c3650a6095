"""A Python function, put together from pieces of Python's syntax tree rather than from text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any


class Function:
    """What the code of one generated function refers to by name: other functions, and values without a literal of Python's."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = arguments
        self._constants: dict[str, object] = {}

    def constant(self, value: object) -> ast.expr:
        name = f"constant_{len(self._constants)}"
        self._constants[name] = value
        return ast.Name(name, ast.Load())

    def call(self, function: Callable[..., Any], *arguments: ast.expr, **named: ast.expr) -> ast.expr:
        keywords = [ast.keyword(name, value) for name, value in named.items()]
        return ast.Call(self.constant(function), list(arguments), keywords)

    def returning(self, expression: ast.expr) -> Callable[..., Any]:
        """The function itself. May be asked for more than once: for the whole, and for each expression in it."""
        parameters = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(name) for name in self._arguments],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(parameters, expression)))
        # The tree is made in this room from a closed set of nodes; there are no built-ins and nothing else within its reach.
        function: Callable[..., Any] = eval(  # noqa: S307
            compile(tree, "<job file>", "eval"), {"__builtins__": {}, **self._constants}
        )
        return function


def joined(parts: Sequence[str | ast.expr]) -> ast.expr:
    """Texts, put together."""
    return ast.JoinedStr(
        [ast.Constant(part) if isinstance(part, str) else ast.FormattedValue(part, -1, None) for part in parts]
    )

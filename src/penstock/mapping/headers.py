"""The request's own headers: those that are the same for every row, and those that are filled in for each."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from pydantic import SecretStr

from penstock.errors import RowError
from penstock.mapping.compiled import Part
from penstock.spec.expressions import has_expression
from penstock.spec.wire import to_text

# Line breaks would end the header and begin another; NUL and the like are refused by servers one way or another.
_NOT_IN_A_HEADER = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


def split_headers(headers: Mapping[str, SecretStr], *, has_body: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Those without expressions, with Content-Type where the job file leaves it out; and those with."""
    values = {name: value.get_secret_value() for name, value in headers.items()}
    per_row = {name: value for name, value in values.items() if has_expression(value)}
    static = {name: value for name, value in values.items() if name not in per_row}
    if has_body and "content-type" not in {name.lower() for name in values}:
        static["Content-Type"] = "application/json"
    return static, per_row


def translate_headers(headers: Mapping[str, str], part: Part, place: str = "target.headers") -> ast.expr:
    """Headers with expressions → what makes a tuple of (name, value). place: where they stand. Raises JobError."""
    pairs: list[ast.expr] = []
    for name, template in headers.items():
        path = f"{place}.{name}"
        value = part.text(part.parse(template, path), path, _one_line)
        pairs.append(ast.Tuple([ast.Constant(name), value], ast.Load()))
    return ast.Tuple(pairs, ast.Load())


def _one_line(value: object) -> str:
    text = to_text(value)
    if _NOT_IN_A_HEADER.search(text):
        raise RowError(
            "a header holds one line of Latin letters; this value has a line break or others (| urlencode keeps all)"
        )
    return text

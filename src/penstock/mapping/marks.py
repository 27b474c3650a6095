"""`flag.set`: what else is written into the source row that was accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from jinja2 import Undefined

from penstock.mapping.compiled import Part
from penstock.mapping.scope import mark_scope

# receipt, now → column → value to bind.
MarkValues: TypeAlias = Callable[[str | None, datetime], Mapping[str, object]]


def compile_marks(flag_set: Mapping[str, str]) -> MarkValues:
    """Raises JobError for an expression that cannot be used. A value that fails is NULL: the row was accepted all the same."""
    evaluate = {}
    for column, text in flag_set.items():
        part = Part(mark_scope())
        evaluate[column] = part.compiled(part.template(text, f"source.flag.set.{column}")).evaluate

    def values(receipt: str | None, now: datetime) -> Mapping[str, object]:
        return {column: _value_or_null(each, receipt, now) for column, each in evaluate.items()}

    return values


def _value_or_null(evaluate: Callable[..., object], receipt: str | None, now: datetime) -> object:
    try:
        value = evaluate(receipt, now)
    except Exception:
        return None
    return None if isinstance(value, Undefined) else value

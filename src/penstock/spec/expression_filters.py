"""The filters of expressions: a closed list. docs/reference/expressions.md names each one.

Three rules hold for all of them. NULL is handed on as NULL, as SQL's functions do it (never the text "None"), except by
`default`. Text filters take any value as its text. What costs memory is bounded, since widths and counts may come from a row.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, ItemsView, Iterator
from typing import TypeAlias

from jinja2 import Environment
from jinja2.filters import FILTERS as JINJA
from jinja2.runtime import Context
from markupsafe import escape

from penstock.errors import RowError
from penstock.spec import expression_values as values
from penstock.spec.expression_moments import date_, epoch, epoch_ms
from penstock.spec.wire import to_text

Filter: TypeAlias = Callable[..., object]

MAX_WIDTH = 10_000

_TEXT: dict[str, Filter] = {
    "capitalize": str.capitalize,
    "center": str.center,
    "e": lambda text: str(escape(text)),
    "escape": lambda text: str(escape(text)),
    "format": values.format_,
    "indent": values.indent,
    "lower": str.lower,
    "replace": values.replace,
    "striptags": lambda text: str(JINJA["striptags"](text)),
    "title": JINJA["title"],
    "trim": str.strip,
    "upper": str.upper,
    "wordcount": JINJA["wordcount"],
}
_TEXT_WITH_ENVIRONMENT = ("truncate", "wordwrap")
_PLAIN: dict[str, Filter] = {
    "abs": values.abs_,
    "count": len,
    "date": date_,
    "dictsort": JINJA["dictsort"],
    "epoch": epoch,
    "epoch_ms": epoch_ms,
    "filesizeformat": JINJA["filesizeformat"],
    "float": values.float_,
    "from_json": values.from_json,
    "int": values.int_,
    "items": lambda value: value.items(),
    "length": len,
    "list": list,
    "reverse": JINJA["reverse"],
    "round": values.round_,
    "batch": JINJA["batch"],
    "string": to_text,
    "urlencode": values.urlencode,
}
_WITH_ENVIRONMENT = ("first", "groupby", "last", "max", "min", "sort", "unique")
_WITH_CONTEXT: dict[str, Filter] = {
    "join": values.join,
    "map": JINJA["map"],
    "reject": JINJA["reject"],
    "rejectattr": JINJA["rejectattr"],
    "select": JINJA["select"],
    "selectattr": JINJA["selectattr"],
    "sum": values.sum_,
}
_THAT_TAKE_NULL: dict[str, Filter] = {"d": values.default, "default": values.default, "tojson": values.tojson}

_WITH_A_WIDTH = ("batch", "center", "slice", "truncate", "wordwrap")

# Why a filter of Jinja's is not there.
LEFT_OUT = {
    "attr": "write x.name or x['name']",
    "forceescape": "JSON needs no HTML; | escape is there",
    "pprint": "write it as JSON with | tojson",
    "random": "the same row must give the same request each time",
    "safe": "JSON needs no HTML",
    "urlize": "JSON needs no HTML",
    "xmlattr": "JSON needs no HTML",
}


def filters(environment: Environment, context: Context) -> dict[str, Filter]:
    """Every filter by name, ready to be called with a value and the arguments written behind it."""
    text = _TEXT | {name: functools.partial(JINJA[name], environment) for name in _TEXT_WITH_ENVIRONMENT}
    other = (
        _PLAIN
        | {name: functools.partial(JINJA[name], environment) for name in _WITH_ENVIRONMENT}
        | {name: functools.partial(each, context) for name, each in _WITH_CONTEXT.items()}
        | {"slice": functools.partial(JINJA["slice"], context.eval_ctx)}
    )
    every = {name: _of_text(each) for name, each in text.items()}
    every |= {name: _handing_null_on(each) for name, each in other.items()}
    every |= _THAT_TAKE_NULL
    return every | {name: _within_width(every[name]) for name in _WITH_A_WIDTH}


def _of_text(each: Filter) -> Filter:
    def apply(value: object, *arguments: object, **named: object) -> object:
        if type(value) is str:  # nearly always
            return each(value, *arguments, **named)
        return None if value is None else each(to_text(value), *arguments, **named)

    return apply


def _handing_null_on(each: Filter) -> Filter:
    def apply(value: object, *arguments: object, **named: object) -> object:
        if value is None:
            return None
        result = each(value, *arguments, **named)
        return list(result) if isinstance(result, Iterator | ItemsView) else result

    return apply


def _within_width(each: Filter) -> Filter:
    """Widths and counts may come from a row, and what they ask for is filled up."""

    def apply(value: object, *arguments: object, **named: object) -> object:
        for argument in (*arguments, *named.values()):
            if isinstance(argument, int) and argument > MAX_WIDTH:
                raise RowError(f"{argument:,} is too large; widths and counts go up to {MAX_WIDTH:,}")
        return each(value, *arguments, **named)

    return apply

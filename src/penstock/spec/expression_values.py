"""The filters of numbers, text and lists that are not Jinja's own, or not as Jinja has them."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation

from jinja2 import Undefined
from jinja2.filters import FILTERS as JINJA
from jinja2.runtime import Context

from penstock.errors import RowError
from penstock.spec.expression_numbers import EXACT, MAX_REPEATED, add
from penstock.spec.wire import kind_of, to_json, to_text

_REQUIRED = object()


def from_json(value: object) -> object:
    """JSON text → the value; numbers with a point become DECIMAL. What is parsed already stays as it is."""
    if not isinstance(value, str | bytes):
        return value
    try:
        return json.loads(value, parse_float=_decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RowError(f"from_json: not JSON: {error}") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def tojson(value: object) -> str:
    """A value as JSON text, exactly as a body would show it."""
    return to_json(value, "the value").decode()


def default(value: object, instead: object = "", boolean: object = False) -> object:
    """`instead` of NULL and of what is missing; with `boolean` also of whatever counts as false."""
    is_absent = value is None or isinstance(value, Undefined) or (boolean and not value)
    return instead if is_absent else value


def int_(value: object, instead: object = _REQUIRED, base: int = 10) -> object:
    """A whole number, cut off towards zero. Fails without a second argument; Jinja's would quietly give 0."""
    try:
        if isinstance(value, str) and base != 10:
            return int(value, base)
        number = _decimal(value) if isinstance(value, str) else value
        if isinstance(number, int | float | Decimal):
            return int(number)
    except (ValueError, ArithmeticError):
        pass
    return _instead(instead, value, "int")


def float_(value: object, instead: object = _REQUIRED) -> object:
    """A FLOAT. Fails without a second argument; Jinja's would quietly give 0.0."""
    try:
        if isinstance(value, int | float | Decimal | str):
            return float(value)
    except (ValueError, OverflowError):
        pass
    return _instead(instead, value, "float")


def _instead(instead: object, value: object, name: str) -> object:
    if instead is _REQUIRED:
        raise RowError(f"{name}: this {kind_of(value)} is not a number; | {name}(0) would put 0 in its place")
    return instead


def _decimal(text: str) -> Decimal:
    """Raises ValueError for what is no number and for exponents that would fill the memory."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > EXACT.Emax:
        raise ValueError("out of bounds")
    return number


_ROUNDINGS = {"common": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}


def round_(value: object, precision: int = 0, method: str = "common") -> object:
    """To `precision` digits behind the point; "common" rounds a half away from zero, as SQL does. DECIMAL stays DECIMAL."""
    if method not in _ROUNDINGS:
        raise RowError(f"round: no method {method!r}; there are common, ceil and floor")
    if isinstance(value, int):
        value = Decimal(value)
    if isinstance(value, Decimal):
        return value.quantize(Decimal(1).scaleb(-precision), _ROUNDINGS[method], EXACT)
    if isinstance(value, float) and math.isfinite(value):
        return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-precision), _ROUNDINGS[method], EXACT))
    raise RowError(f"round: this {kind_of(value)} is not a number")


def abs_(value: object) -> object:
    if isinstance(value, Decimal):
        return value.copy_abs()  # the built-in one rounds to 28 digits
    if isinstance(value, int | float):
        return abs(value)
    raise RowError(f"abs: this {kind_of(value)} is not a number")


def sum_(context: Context, values: Iterable[object], attribute: str | int | None = None, start: object = 0) -> object:
    return functools.reduce(add, _each(context, values, attribute), start)


def join(context: Context, values: Iterable[object], between: object = "", attribute: str | int | None = None) -> str:
    return to_text(between).join([to_text(value) for value in _each(context, values, attribute)])


def _each(context: Context, values: Iterable[object], attribute: str | int | None) -> Iterable[object]:
    mapped: Iterable[object] = JINJA["map"](context, values, attribute=attribute)
    return values if attribute is None else mapped


def replace(text: str, old: object, new: object, count: int = -1) -> str:
    before, after = to_text(old), to_text(new)
    if text.count(before) * len(after) > MAX_REPEATED:
        raise RowError(f"replace: the result would be longer than {MAX_REPEATED:,}")
    return text.replace(before, after, count)


def format_(text: str, *values: object) -> str:
    """printf's: "%05d" | format(id)."""
    _refuse_widths(text)
    return text % tuple(value if isinstance(value, int | float | Decimal) else to_text(value) for value in values)


def indent(text: str, width: int = 4, first: bool = False, blank: bool = False) -> object:
    if (text.count("\n") + 1) * width > MAX_REPEATED:
        raise RowError(f"indent: the result would be longer than {MAX_REPEATED:,}")
    return JINJA["indent"](text, width, first, blank)


def urlencode(value: object) -> object:
    return JINJA["urlencode"](value if isinstance(value, Mapping | list | tuple) else to_text(value))


def _refuse_widths(form: str) -> None:
    """A width is filled up with blanks: '%999999999d' would take a gigabyte."""
    if re.search(r"%[^a-zA-Z%]*(\*|\d{4})", form):
        raise RowError("format: a width or precision has at most three digits, written out")

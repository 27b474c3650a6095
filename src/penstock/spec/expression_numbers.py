"""Arithmetic in expressions. One rule: exact, unless a FLOAT takes part; then everything is FLOAT, as in SQL.

Number literals with a point are DECIMAL, so `total * 1.19` is exact for a DECIMAL column and an ordinary FLOAT product for a
FLOAT column. Integers divide exactly too: `cents / 100`.
"""

from __future__ import annotations

import decimal
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from penstock.errors import RowError
from penstock.spec.wire import kind_of

# What a row's values can do with each other is known only when it is done: TypeError is the answer then.
Operator: TypeAlias = Callable[[Any, Any], Any]
_Binary: TypeAlias = Callable[[Decimal | int, Decimal | int], Decimal]

# More digits than the product of the two longest DECIMALs of a database has; the bounds on exponents stop number bombs.
EXACT = decimal.Context(prec=200, Emax=9999, Emin=-9999, rounding=decimal.ROUND_HALF_EVEN)
# A quotient may have no end: as many digits as Python gives it by itself.
_QUOTIENT = decimal.Context(prec=28, Emax=9999, Emin=-9999)

MAX_REPEATED = 1_000_000
_MOST_BITS = 10_000


def _arithmetic(symbol: str, exact: _Binary, native: Operator) -> Operator:
    def calculate(left: Any, right: Any) -> Any:
        if isinstance(left, Decimal) and isinstance(right, Decimal | int):
            return exact(left, right)
        if isinstance(right, Decimal) and isinstance(left, int):
            return exact(left, right)
        try:
            return native(*_as_floats(left, right))
        except TypeError:
            raise RowError(f"{kind_of(left)} {symbol} {kind_of(right)} cannot be calculated") from None

    return calculate


def _as_floats(left: object, right: object) -> tuple[object, object]:
    """A DECIMAL beside a FLOAT becomes one."""
    if isinstance(left, float) and isinstance(right, Decimal):
        return left, float(right)
    if isinstance(right, float) and isinstance(left, Decimal):
        return float(left), right
    return left, right


def _multiply_bounded(left: Any, right: Any) -> Any:
    for repeated, times in ((left, right), (right, left)):
        is_sequence = isinstance(repeated, str | bytes | list | tuple)
        if is_sequence and isinstance(times, int) and len(repeated) * times > MAX_REPEATED:
            raise RowError(f"repeated {times:,} times, it would be longer than {MAX_REPEATED:,}")
    return operator.mul(left, right)


def _divide(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        return _QUOTIENT.divide(left, right)
    return operator.truediv(left, right)


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str | bytes):
        raise RowError("% does not format text here; use | format(...)")
    return operator.mod(left, right)


def _power(left: Any, right: Any) -> Any:
    """Bounded: `9 ** 9 ** 9` would take all the memory there is."""
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        whole = isinstance(right, int) and right >= 0
        return _arithmetic("**", EXACT.power if whole else _QUOTIENT.power, operator.pow)(left, right)
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > _MOST_BITS:
        raise RowError(f"{left} ** {right} is too large")
    return operator.pow(left, right)


def negative(value: Any) -> Any:
    """Decimal's own minus would round to 28 digits."""
    return value.copy_negate() if isinstance(value, Decimal) else operator.neg(value)


def positive(value: Any) -> Any:
    return value if isinstance(value, Decimal) else operator.pos(value)


def _comparison(compare: Operator) -> Operator:
    def holds(left: Any, right: Any) -> Any:
        return compare(*_as_floats(left, right))

    return holds


add = _arithmetic("+", EXACT.add, operator.add)

BINARY: dict[str, Operator] = {
    "+": add,
    "-": _arithmetic("-", EXACT.subtract, operator.sub),
    "*": _arithmetic("*", EXACT.multiply, _multiply_bounded),
    "/": _arithmetic("/", _QUOTIENT.divide, _divide),
    "//": _arithmetic("//", EXACT.divide_int, operator.floordiv),
    "%": _arithmetic("%", EXACT.remainder, _remainder),
    "**": _power,
}

COMPARISONS: dict[str, Operator] = {
    "eq": _comparison(operator.eq),
    "ne": _comparison(operator.ne),
    "lt": _comparison(operator.lt),
    "lteq": _comparison(operator.le),
    "gt": _comparison(operator.gt),
    "gteq": _comparison(operator.ge),
}


def is_in(item: Any, collection: Any) -> bool:
    if isinstance(collection, list | tuple):
        same = COMPARISONS["eq"]
        return any(same(item, other) for other in collection)
    return item in collection


def is_not_in(item: Any, collection: Any) -> bool:
    return not is_in(item, collection)

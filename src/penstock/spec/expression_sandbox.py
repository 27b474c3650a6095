"""Jinja2's immutable sandbox, narrowed: no functions, closed lists of filters, tests, attributes and methods.

Attribute access on data looks at keys and nothing else, so `body.items` is the field of that name. Methods exist only when
they are called, and only those named here: none of them changes anything or makes much out of little.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, KeysView, Mapping, ValuesView
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from jinja2 import StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS

from penstock.errors import RowError
from penstock.spec.expression_filters import Filter, filters
from penstock.spec.expression_numbers import COMPARISONS, is_in
from penstock.spec.wire import kind_of

_DATE = frozenset({"year", "month", "day"})
_TIME = frozenset({"hour", "minute", "second", "microsecond"})
_ATTRIBUTES: Mapping[type, frozenset[str]] = {
    datetime: _DATE | _TIME,  # before date: a datetime is one
    date: _DATE,
    time: _TIME,
    timedelta: frozenset({"days", "seconds", "microseconds"}),
    UUID: frozenset({"hex"}),
}

_DATE_METHODS = frozenset({"isoformat", "weekday", "isoweekday"})
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        {
            "capitalize", "casefold", "count", "endswith", "find", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit",
            "islower", "isnumeric", "isspace", "isupper", "lower", "lstrip", "partition", "removeprefix", "removesuffix",
            "rfind", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title",
            "upper",
        }
    ),
    bytes: frozenset({"hex"}),
    datetime: _DATE_METHODS,
    date: _DATE_METHODS,
    timedelta: frozenset({"total_seconds"}),
    list: frozenset({"count", "index"}),
    dict: frozenset({"get", "items", "keys", "values"}),
}  # fmt: skip

# There are no functions and no HTML; which filters and tests there are is known when the job file is read.
_TESTS_LEFT_OUT = frozenset({"callable", "escaped", "filter", "test"})

# What every value's methods are together: an unknown one is a mistake that can be told before any row is read.
METHODS = frozenset[str]().union(*_METHODS.values())


class Sandbox(ImmutableSandboxedEnvironment):
    """The one environment that expressions are parsed and evaluated in."""

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
        self.policies["truncate.leeway"] = 0  # truncate(50) is for a column of 50: never five characters more
        self.filters: dict[str, Filter] = filters(self, self.from_string("").new_context())
        self.tests = _tests()  # type: ignore[assignment]  # Jinja2's own table is typed too narrowly to be replaced

    def getattr(self, obj: object, attribute: str) -> object:
        """`obj.attribute`: a key; of a date or time also its parts."""
        if type(obj) is dict and attribute in obj:  # nearly always
            return obj[attribute]
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self._missing(obj, attribute)
        for kind, names in _ATTRIBUTES.items():
            if isinstance(obj, kind):
                return getattr(obj, attribute) if attribute in names else self._missing(obj, attribute)
        return self._missing(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> object:
        """`obj[argument]`: a key, a position or a slice."""
        if isinstance(obj, Mapping | list | tuple | str | bytes):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self._missing(obj, argument)
        return self._missing(obj, argument)

    def call_method(self, name: str, obj: object, /, *arguments: object, **named: object) -> object:
        """`obj.name(...)`, if it is one of METHODS. Raises RowError if not."""
        for kind, names in _METHODS.items():
            if isinstance(obj, kind) and name in names:
                result = getattr(obj, name)(*arguments, **named)
                return list(result) if isinstance(result, KeysView | ValuesView | ItemsView) else result
        if obj is None:
            raise RowError(f"NULL has no {name}(); filters hand NULL on, methods do not")
        if isinstance(obj, Undefined):
            raise RowError(obj._undefined_message)
        raise RowError(f"{kind_of(obj)} has no {name}()")

    def _missing(self, obj: object, name: object) -> Undefined:
        if isinstance(obj, Undefined):
            return obj
        return self.undefined(hint=f"{kind_of(obj)} has no {name!r}")


def _tests() -> dict[str, Callable[..., Any]]:
    known: Mapping[str, Any] = TESTS
    tests = {name: test for name, test in known.items() if name not in _TESTS_LEFT_OUT}
    for name, aliases in {
        "eq": ("eq", "==", "equalto"),
        "ne": ("ne", "!="),
        "lt": ("lt", "<", "lessthan"),
        "lteq": ("le", "<="),
        "gt": ("gt", ">", "greaterthan"),
        "gteq": ("ge", ">="),
    }.items():
        tests |= dict.fromkeys(aliases, COMPARISONS[name])
    return tests | {"in": is_in, "null": tests["none"]}


SANDBOX = Sandbox()

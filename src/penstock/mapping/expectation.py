"""A row → what a new store should hold of it: the key there, and the values of `verify.compare`. Nothing of the mapping that made
the requests is used: a fault of that must not hide itself."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from jinja2 import Undefined

from penstock.errors import RowError
from penstock.mapping.compiled import Part
from penstock.mapping.scope import expectation_scope
from penstock.rows import Row, decode_key
from penstock.spec.models import Verify


class Expectation:
    """fields: what is compared, in order."""

    def __init__(self, verify: Verify, columns: Sequence[str]) -> None:
        """Raises JobError for an expression that cannot be used with these columns."""
        scope = expectation_scope(columns)
        self.fields = tuple(verify.compare)
        self._key = None
        if verify.source_key is not None:
            part = Part(scope)
            self._key = part.compiled(part.template(verify.source_key, "verify.source_key"))
        self._values = []
        for name, text in verify.compare.items():
            part = Part(scope)
            self._values.append(part.compiled(part.template(text, f"verify.compare.{name}")))
        whole = Part(scope)
        values = [whole.template(text, f"verify.compare.{name}") for name, text in verify.compare.items()]
        self._all = whole.compiled(ast.Tuple(values, ast.Load()))

    @property
    def computes_key(self) -> bool:
        """Whether the store's key is another than the row's own."""
        return self._key is not None

    def key(self, row: Row, receipt: str | None) -> tuple[object, ...]:
        """The values of `verify.key`. Raises RowError naming the column at fault."""
        if self._key is None:
            return decode_key(row.key)
        try:
            value = self._key.evaluate(row.values, receipt)
        except Exception as error:
            raise self._key.blame(error, row.values, receipt) from error
        # What names no record cannot be missing: that the row is not there would be believed, and the row sent again.
        if value is None or isinstance(value, Undefined | list | tuple | dict | float):
            what = "NULL" if value is None else "nothing" if isinstance(value, Undefined) else type(value).__name__
            raise RowError(f"verify.source_key yields {what} for this row, which names no record")
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise RowError("verify.source_key yields half of a surrogate pair, which no database holds") from None
        return (value,)

    def values(self, row: Row, receipt: str | None) -> Sequence[object]:
        """In the order of `fields`; a RowError in the place of one that cannot be told."""
        try:
            values: tuple[object, ...] = self._all.evaluate(row.values, receipt)
        except Exception:
            values = (Undefined(),)
        for value in values:
            if isinstance(value, Undefined):
                return [self._value(at, row, receipt) for at in range(len(self.fields))]
        return values

    def _value(self, at: int, row: Row, receipt: str | None) -> object:
        one = self._values[at]
        try:
            value = one.evaluate(row.values, receipt)
        except Exception as error:
            return one.blame(error, row.values, receipt)
        return RowError(value._undefined_message) if isinstance(value, Undefined) else value

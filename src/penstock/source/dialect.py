"""The few places where the SQL that reads a source differs between databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from penstock.rows import KeyValue

# What a driver is given for a key value.
Bound: TypeAlias = KeyValue | float | Sequence[KeyValue]


@dataclass(frozen=True, slots=True)
class Dialect:
    """name: as sqlglot calls it. placeholder: of a bound value, in the driver's own style unless `numbers`: then what stands
    for one until the statement is `complete`. mark: what quotes names.
    formats: the driver puts values in with `%`, so a per cent sign of the user's text is written twice.
    compares_rows: (a, b) > (x, y) uses an index. MySQL scans it whole (21 ms instead of 0.6 at 200,000 rows), the others do not.
    takes_lists: as one value, so that a statement's text, which is prepared, is the same for any number of keys.
    """

    name: str
    placeholder: str
    formats: bool
    compares_rows: bool
    # Backquotes in SQLite too: what is in double quotes there and is no column silently becomes a text.
    mark: str = "`"
    numbers: bool = False
    takes_lists: bool = False

    def quote(self, identifier: str) -> str:
        return self.mark + identifier.replace(self.mark, 2 * self.mark) + self.mark

    def quote_path(self, *identifiers: str) -> str:
        return ".".join(self.quote(identifier) for identifier in identifiers if identifier)

    def bind(self, value: KeyValue) -> tuple[str, Bound]:
        """A placeholder and what to put there. SQLite stores a DECIMAL with a fraction as a floating-point number. MySQL's driver
        escapes bytes with backslashes even where the server takes none
        (NO_BACKSLASH_ESCAPES), and a key might then end its own literal: bytes go as hex."""
        if self.formats and isinstance(value, bytes):
            return f"UNHEX({self.placeholder})", value.hex()
        if isinstance(value, Decimal) and self == SQLITE:
            return self.placeholder, float(value)
        return self.placeholder, value

    def verbatim(self, text: str) -> str:
        """Text of the user's, to stand in a statement that is executed with values."""
        return text.replace("%", "%%") if self.formats else text

    def complete(self, text: str) -> str:
        """A statement that nothing more is put into before its placeholders: $1, $2 and so on, where the driver numbers them."""
        if not self.numbers:
            return text
        first, *rest = text.split(self.placeholder)
        return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))


MYSQL = Dialect(name="mysql", placeholder="%s", formats=True, compares_rows=False)
SQLITE = Dialect(name="sqlite", placeholder="?", formats=False, compares_rows=True)
# NUL: no statement of PostgreSQL's can hold one, and `parse_statement` lets none pass.
POSTGRESQL = Dialect(
    name="postgres", placeholder="\0", formats=False, compares_rows=True, mark='"', numbers=True, takes_lists=True
)

_BY_KIND = {"sqlite": SQLITE, "postgresql": POSTGRESQL}


def dialect_of(kind: str) -> Dialect:
    """Of a `Database.kind`."""
    return _BY_KIND.get(kind, MYSQL)

"""Text that was encoded twice: its UTF-8 bytes were once taken for latin1, so that "é" is stored as "Ã©". Pure.

Nothing is mended by itself: that a text looks so proves nothing, and a person has to say so in the query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.rows import Row


@dataclass(frozen=True, slots=True)
class DoubleEncoded:
    """texts: of the column, among the rows looked at, that have letters beyond ASCII; looking_so: those encoded twice as it
    looks; key: of one of these rows, where `stored` is perhaps `meant`."""

    column: str
    texts: int
    looking_so: int
    key: str
    stored: str
    meant: str


def _latin1() -> dict[str, int]:
    """What MySQL calls latin1: Windows-1252, with control characters where that has holes."""
    return {bytes([byte]).decode("cp1252", "ignore") or chr(byte): byte for byte in range(256)}


_BYTES = _latin1()


def decoded_once(text: str) -> str | None:
    """The text as it was perhaps meant; None if it does not look encoded twice."""
    if text.isascii():
        return None
    try:
        return bytes([_BYTES[letter] for letter in text]).decode()
    except (KeyError, UnicodeDecodeError):
        return None


def find_double_encoded(columns: Sequence[str], rows: Sequence[Row]) -> Sequence[DoubleEncoded]:
    """By column, in their order; columns whose texts all look well are missing."""
    found = [_of_column(name, at, rows) for at, name in enumerate(columns)]
    return [column for column in found if column is not None]


def _of_column(name: str, at: int, rows: Sequence[Row]) -> DoubleEncoded | None:
    texts = [(row.key, value) for row in rows if isinstance(value := row.values[at], str) and not value.isascii()]
    twice = [(key, text, meant) for key, text in texts if (meant := decoded_once(text)) is not None]
    return DoubleEncoded(name, len(texts), len(twice), *twice[0]) if twice else None

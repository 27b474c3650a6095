"""Text on its way into the ledger: cut to length, and free of what a database or a terminal chokes on."""

from __future__ import annotations


def fit(text: str, length: int) -> str:
    """At most `length` characters; control characters, line ends and halves of surrogate pairs become spaces."""
    cut = text[:length]
    if cut.isprintable():  # the usual case, and quick
        return cut
    return "".join([character if character.isprintable() else " " for character in cut])


def fit_or_none(text: str | None, length: int) -> str | None:
    return None if text is None else fit(text, length)

"""Text on its way into the ledger: cut to length, and free of what a database or a terminal chokes on."""

from __future__ import annotations

from collections.abc import Sequence


def fit(text: str, length: int) -> str:
    """At most `length` characters; control characters, line ends and halves of surrogate pairs become spaces."""
    cut = text[:length]
    if cut.isprintable():  # the usual case, and quick
        return cut
    return "".join([character if character.isprintable() else " " for character in cut])


def fit_or_none(text: str | None, length: int) -> str | None:
    return None if text is None else fit(text, length)


def fit_each(texts: Sequence[str | None], length: int) -> list[str | None]:
    """The same for many: those that fit as they are, nearly all, without a call for each."""
    return [
        text if text is None or (len(text) <= length and text.isprintable()) else fit(text, length) for text in texts
    ]

"""Fields of JSON documents by their dotted names: `data.id`, `items.0.sku`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from penstock.rows import Record

ABSENT = object()


def field_in(document: object, name: str) -> object:
    """ABSENT if there is none. A field whose own name has dots wins over those within others."""
    if isinstance(document, Mapping):
        if name in document:
            return document[name]
        # The longest name first, so that of {"a.b": {"c": 1}} `a.b.c` is found, too.
        for at in range(len(name) - 1, 0, -1):
            if name[at] == "." and name[:at] in document:
                return field_in(document[name[:at]], name[at + 1 :])
    elif isinstance(document, list):
        index, _, rest = name.partition(".")
        if index.isdecimal() and index.isascii() and int(index[:9]) < len(document):
            return field_in(document[int(index)], rest) if rest else document[int(index)]
    return ABSENT


def names_in(document: Mapping[str, object]) -> str:
    """What a document has, for people."""
    return ", ".join(list(document)[:20]) or "nothing"


class Fields:
    """key: names of the fields that tell which row a document is of. others: those to read besides."""

    def __init__(self, key: Sequence[str], others: Sequence[str]) -> None:
        self.key = tuple(key)
        self.others = tuple(others)

    def record_of(self, document: Mapping[str, object]) -> Record:
        """A field that is absent reads as None; so does one of the key's that holds a list or an object, which name no row."""
        return Record(
            tuple([_scalar(field_in(document, name)) for name in self.key]),
            tuple([_or_none(field_in(document, name)) for name in self.others]),
        )

    def absent_in(self, document: Mapping[str, object]) -> Sequence[str]:
        """Those of the key's fields that the document does not even have."""
        return [name for name in self.key if field_in(document, name) is ABSENT]


def _or_none(value: object) -> object:
    return None if value is ABSENT else value


def _scalar(value: object) -> object:
    if isinstance(value, str):
        # JSON may hold halves of a surrogate pair, which no text of a database's does: shown as JSON writes them.
        return value.encode("utf-8", "backslashreplace").decode()
    return value if isinstance(value, int | Decimal) else None

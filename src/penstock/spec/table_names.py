"""A table's name as a person writes it: `orders`, `legacy.orders`, `"Old Shop".orders`. Within quotes a dot is a letter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_PART = re.compile(r'\s*(?:`((?:[^`]|``)+)`|"((?:[^"]|"")+)"|([^.]*?))\s*(?:\.|$)')


class NamePart(NamedTuple):
    """name: without its quotes."""

    name: str
    is_quoted: bool


def name_parts(text: str) -> tuple[NamePart, ...]:
    """The schema first, if there is one."""
    return tuple(_parts(text))


def _parts(text: str) -> Iterator[NamePart]:
    at = 0
    while match := _PART.match(text, at):
        backquoted, quoted, bare = match.groups()
        if backquoted is not None:
            yield NamePart(backquoted.replace("``", "`"), is_quoted=True)
        elif quoted is not None:
            yield NamePart(quoted.replace('""', '"'), is_quoted=True)
        else:
            yield NamePart(bare, is_quoted=False)
        if match.end() == len(text) and not match[0].endswith("."):
            return
        at = match.end()

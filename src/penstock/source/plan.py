"""What `open_source` found out about a source, and everything that reading it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.source.columns import Column
from penstock.source.flag_table import FlagTable
from penstock.source.shape import Shape
from penstock.source.statements import Reading


@dataclass(frozen=True, slots=True)
class Plan:
    """How one source is read, found out once.

    rows, keys: from the query. numbers: names of the further columns that `rows` has at its end.
    walk: from the key's own table; from the query where there is none.
    flag: the flag's table. flagged: those of its rows whose flag is set; None where that means nothing (flag.existing: ignore).
    walks_flags: whether that table is the one of `walk`, and its rows have the same keys there: numbers.
    own: positions of columns that penstock itself writes (the flag, where the query shows it).
    is_wide: whether a page of a thousand rows may be too much for memory. may_lack_key: whether the key may be NULL.
    """

    columns: Sequence[Column]
    key: tuple[str, ...]
    shape: Shape
    rows: Reading
    keys: Reading
    walk: Reading
    flagged: Reading | None
    walks_flags: bool
    flag: FlagTable | None
    numbers: tuple[str, ...]
    own: frozenset[int]
    is_wide: bool
    may_lack_key: bool

"""A number for what a row held when it was sent, so that a later change can be told."""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import blake2b

import orjson

from penstock.rows import Row

_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS


def fingerprint(row: Row) -> int:
    """The same for equal values on every machine and in every process; signed, 64 bits.

    As JSON, with the repr of what JSON does not know: that tells "1" from 1 and DECIMAL 1.0 from 1.00. (NaN and infinity
    count as NULL.) A row that has no JSON, for half of a surrogate pair, is taken by the repr of all its values.
    """
    try:
        text = orjson.dumps(row.values, repr, _OPTIONS)
    except TypeError:
        text = repr(row.values).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def fingerprint_without(own: Collection[int]) -> Callable[[Row], int]:
    """The same, but for the columns at these positions: what penstock itself writes into the row must not make it another."""
    if not own:
        return fingerprint

    def of(row: Row) -> int:
        return fingerprint(Row(row.key, tuple([value for at, value in enumerate(row.values) if at not in own])))

    return of

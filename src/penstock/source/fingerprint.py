"""A number for what a row held when it was sent, so that a later change can be told."""

from __future__ import annotations

from hashlib import blake2b

from penstock.rows import Row


def fingerprint(row: Row) -> int:
    """The same for equal values on every machine and in every process; signed, 64 bits.

    The values' repr tells "1" from 1 and 1.0 from 1.00; of the types that a row may hold it is the same everywhere.
    """
    text = repr(row.values).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)

"""From the driver's tuples to rows: column by column, because most columns need nothing done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.errors import JobError
from penstock.rows import MAX_KEY_TEXT, KeyText, Row, Unreadable, encode_key
from penstock.source.columns import Converter

_new = tuple.__new__


@dataclass(frozen=True, slots=True)
class Shape:
    """key: its column names, for messages. key_at: where its values are. width: columns of a row (what is beyond helps the key).
    converters: by column number; those columns alone are touched. key_converters: by position in the key, where the driver's
    value is not what names the row."""

    key: tuple[str, ...]
    key_at: tuple[int, ...]
    width: int
    converters: Mapping[int, Converter]
    key_converters: Mapping[int, Converter]

    def rows(self, fetched: Sequence[tuple[object, ...]]) -> list[Row]:
        """Raises JobError for a key that names no row or two."""
        if not fetched:
            return []
        columns = list(zip(*fetched, strict=True))
        if len(columns) != max(self.width, *(at + 1 for at in self.key_at)):
            # Values are told apart by their place alone.
            raise JobError("the query shows other columns than it did: a table was altered; run the same command again")
        keys = self._texts([columns[at] for at in self.key_at])
        columns = columns[: self.width]
        for at, convert in self.converters.items():
            columns[at] = tuple([None if value is None else convert(value) for value in columns[at]])
        # What Row() does, without a call of Python's own for each.
        return [_new(Row, pair) for pair in zip(keys, zip(*columns, strict=True), strict=True)]

    def keys(self, fetched: Sequence[tuple[object, ...]]) -> list[KeyText]:
        """Of rows that are nothing but key values."""
        return self._texts(list(zip(*fetched, strict=True))) if fetched else []

    def _texts(self, columns: list[tuple[object, ...]]) -> list[KeyText]:
        for at, convert in self.key_converters.items():
            columns[at] = tuple(map(convert, columns[at]))
        try:
            if len(columns) == 1:
                texts = [str(value) if type(value) is int else encode_key((value,)) for value in columns[0]]
            else:
                texts = [encode_key(values) for values in zip(*columns, strict=True)]
        except TypeError as error:
            if any(value is None for column in columns for value in column):
                raise null_key(self.key) from error
            for column in columns:
                for value in column:
                    if isinstance(value, Unreadable):
                        raise unreadable_key(self.key, value.reason) from error
            raise JobError(f"source.key {', '.join(self.key)}: {error}; choose another key, or CAST it") from error
        longest = max(texts, key=len)
        if len(longest) > MAX_KEY_TEXT:
            raise JobError(
                f"source.key {', '.join(self.key)}: {longest[:60]}... has {len(longest)} characters (escapes counted), and the "
                f"ledger holds {MAX_KEY_TEXT}; choose a shorter key, or leave such rows out of the query"
            )
        return texts


def null_key(name: Sequence[str]) -> JobError:
    return JobError(
        f"source.key {', '.join(name)} is NULL in a row of the query; "
        "leave such rows out (WHERE ... IS NOT NULL), or choose another key"
    )


def unreadable_key(name: Sequence[str], reason: str) -> JobError:
    return JobError(f"source.key {', '.join(name)} names no row where it cannot be read: {reason}")


def equal_keys(keys: Sequence[KeyText], name: Sequence[str]) -> JobError:
    return JobError(
        f"source.key {', '.join(name)} is not unique for the database, whose collation takes {' and '.join(keys[:3])} for the "
        "same; add columns to the key, GROUP BY it, or give it a collation that tells them apart"
    )


def refuse_twins(keys: Sequence[KeyText], name: Sequence[str]) -> None:
    """Raises JobError if two rows have the same key: a page that ended between them would lose one."""
    if len(set(keys)) == len(keys):
        return
    twin = next(key for key in keys if keys.count(key) > 1)
    raise JobError(
        f"source.key {', '.join(name)} is not unique: the query shows {twin} more than once; "
        "add columns to the key, or GROUP BY it"
    )

"""The key's own table: where keys are walked past the query, however costly that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.source.catalog import Catalog, declared_column
from penstock.source.columns import Column
from penstock.source.dialect import Dialect
from penstock.source.keyset import key_column
from penstock.source.origin import Origin
from penstock.source.statements import Reading, reading_table


def own_table(
    dialect: Dialect, catalog: Catalog, origins: Mapping[str, Origin], key: Sequence[Column]
) -> Reading | None:
    """The keys of the one table whose columns the whole key is made of; None: there is no such table."""
    of_key = [origins.get(column.name) for column in key]
    declared = [declared_column(catalog, origin) for origin in of_key]
    tables = {origin.table for origin in of_key if origin is not None}
    if len(tables) != 1 or None in declared:
        return None
    [table] = tables
    names = [dialect.verbatim(dialect.quote(column.name)) for column in declared if column is not None]
    may_be_null = [
        name for name, column in zip(names, declared, strict=True) if column is not None and column.is_nullable
    ]
    compared = [key_column(name, column.kind, column.members) for name, column in zip(names, key, strict=True)]
    return reading_table(dialect, table, compared, may_be_null)

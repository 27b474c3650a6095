"""By which columns of the flag's table a row of the query is found."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from penstock.errors import JobError
from penstock.source.dialect import Dialect
from penstock.source.flag_table import is_table, parse_table
from penstock.source.origin import Origin, Table, TableColumns, columns_behind, tables_of
from penstock.spec.models import Flag


def flag_key(
    flag: Flag, key: Sequence[str], tree: exp.Expr | None, columns: TableColumns, dialect: Dialect
) -> tuple[str, ...]:
    """The key's columns in the flag's table: as the job says, else those that the query shows. Raises JobError where they could
    only be guessed by their names: the flag might be set for other rows."""
    if flag.key is not None:
        return tuple(flag.key)
    table = parse_table(flag.table, dialect)
    read = tables_of(tree)
    found = {name: _column(name, columns_behind(tree, name, columns), table, read, dialect) for name in key}
    unknown = [name for name, column in found.items() if column is None]
    if unknown:
        raise JobError(
            f"source.flag: what the query shows as {', '.join(unknown)} is no column of {flag.table}, or nobody can tell which "
            "(an expression, another table's column, a list as in AS c (id, ...)), so that the flag could be set for other rows; "
            f"name the columns by which a row is found there: flag: {{table: {flag.table}, key: ...}}"
        )
    return tuple(column for column in found.values() if column is not None)


def _column(name: str, behind: frozenset[Origin], table: Table, read: frozenset[Table], dialect: Dialect) -> str | None:
    called = {origin.column.lower(): origin.column for origin in behind}
    if len(called) != 1:
        return None
    [column] = called.values()
    if all(is_table(origin.table, table, dialect) for origin in behind):
        return column
    # A view of the flag's table, or of rows that belong to it, mostly calls the key as it is called there.
    is_read_itself = any(is_table(other, table, dialect) for other in read)
    return column if column.lower() == name.lower() and not is_read_itself else None

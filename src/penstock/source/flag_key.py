"""By which columns of the flag's table a row of the query is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from penstock.errors import JobError
from penstock.source.behind import Behind, columns_behind
from penstock.source.dialect import Dialect
from penstock.source.flag_table import parse_table
from penstock.source.naming import Naming
from penstock.source.origin import Table, TableColumns
from penstock.spec.models import Flag


def flag_key(
    flag: Flag, key: Sequence[str], tree: exp.Expr | None, columns: TableColumns, dialect: Dialect, naming: Naming
) -> tuple[str, ...]:
    """The key's columns in the flag's table: as the job says, else those that the query shows. Raises JobError where they could
    only be guessed by their names: the flag might be set for other rows."""
    if flag.key is not None:
        return tuple(flag.key)
    table = parse_table(flag.table, dialect)
    behind = {name: columns_behind(tree, name, columns) for name in key}
    found = {name: _column(behind[name], table, naming) for name in key}
    unknown = [name for name in key if found[name] is None]
    if not unknown and not _are_of_one_row(behind):
        unknown = list(key)
    if unknown:
        raise JobError(
            f"source.flag: what the query shows as {', '.join(unknown)} is no column of {flag.table} itself, or nobody can tell "
            "which (an expression, a CAST, a column of another table or of a view, a list as in AS c (id, ...)), so that the "
            "flag could be set for other rows; name the columns by which a row is found there: "
            f"flag: {{table: {flag.table}, key: ...}}"
        )
    return tuple(column for column in found.values() if column is not None)


def _column(behind: frozenset[Behind], table: Table, naming: Naming) -> str | None:
    called = {each.column.lower(): each.column for each in behind}
    if len(called) != 1 or not all(naming.is_same(each.table, table) for each in behind):
        return None
    [column] = called.values()
    return column


def _are_of_one_row(behind: Mapping[str, frozenset[Behind]]) -> bool:
    """A key of several columns names a row only if they are that row's: of the same place in the query, and not each the least of
    its own."""
    if len(behind) < 2:
        return True
    places = {frozenset(each.place for each in of_name) for of_name in behind.values()}
    return len(places) == 1 and not any(each.is_picked for of_name in behind.values() for each in of_name)

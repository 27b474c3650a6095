"""Queries that a flag cannot follow: one that asks for the flag, so that each row would leave it in the moment in which it is
done; one that names columns so that the flag would be set for other rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from penstock.errors import JobError
from penstock.source.dialect import Dialect
from penstock.source.flag_table import parse_table
from penstock.source.origin import Origin, is_made_up, renames_by_list
from penstock.spec.models import Flag

_CONDITIONS = (exp.Where, exp.Having, exp.Join)


def refuse_flag_in_conditions(tree: exp.Expr | None, flag: Flag | None, dialect: Dialect) -> None:
    """Raises JobError if the flag's column stands in a condition: totals would shrink while the job goes on, nobody could compare
    what arrived with the query any more, and before `prepare` there is no such column. tree: None is not looked into."""
    if tree is None or flag is None:
        return
    table = parse_table(flag.table, dialect).name.lower()
    names = {known.alias_or_name.lower(): known.name.lower() for known in tree.find_all(exp.Table)}
    if table not in names.values():
        return
    for condition in tree.find_all(*_CONDITIONS):
        for column in condition.find_all(exp.Column):
            is_flags = column.name.lower() == flag.column.lower() and names.get(column.table.lower(), table) == table
            if is_flags:
                raise JobError(
                    f"source.query asks for its own flag ({column.sql(dialect=dialect.name)} in a condition), so rows would "
                    "leave the query as they are imported; leave that out: the ledger knows what is done, and "
                    "source.flag.existing says what becomes of rows flagged before"
                )


def refuse_guessed_key(
    flag: Flag | None, key: Sequence[str], tree: exp.Expr | None, origins: Mapping[str, Origin]
) -> None:
    """Raises JobError where the key's columns in the flag's table could only be guessed by their names, and the query gives these
    names to something else: the flag would be set for other rows."""
    if flag is None or flag.key is not None:
        return
    by_list = renames_by_list(tree)
    guessed = [name for name in key if name not in origins and (by_list or is_made_up(tree, name))]
    if guessed:
        raise JobError(
            f"source.flag: the query calls {', '.join(guessed)} what is no column of that name (an expression, or a list as in "
            f"AS c (id, ...)), so that nobody can tell by which columns of {flag.table} its rows are found; "
            f"name them: flag: {{table: {flag.table}, key: ...}}"
        )

"""A query that asks for its own flag: each row would leave it in the moment in which it is done."""

from __future__ import annotations

from sqlglot import exp

from penstock.errors import JobError
from penstock.source.dialect import Dialect
from penstock.source.flag_table import parse_table
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

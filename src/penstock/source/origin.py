"""Which table's column stands behind a column of the result. Pure; what a table holds is handed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, build_scope

from penstock.source.outer_joins import may_be_left_out


class Table(NamedTuple):
    """schema: "" for the database of the URL."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Origin(NamedTuple):
    """A column of a table. turns_null: the query shows NULL where that table has no row (outer joins, sums over all groups)."""

    table: Table
    column: str
    turns_null: bool = False


# What each table of the query holds: its columns' names.
TableColumns: TypeAlias = Mapping[Table, frozenset[str]]


def tables_of(tree: exp.Expr | None) -> frozenset[Table]:
    """Every name that the query reads from: tables, views, and the names of its own WITH parts; functions have none."""
    if tree is None:
        return frozenset()
    return frozenset(_table(node) for node in tree.find_all(exp.Table) if node.name)


def origins_of(tree: exp.Expr | None, names: tuple[str, ...], columns: TableColumns) -> Mapping[str, Origin]:
    """Result column → the one table column that it shows unchanged. Expressions, set operations and what cannot be told apart
    are missing."""
    try:
        scope = build_scope(tree) if tree is not None else None
    except SqlglotError:
        scope = None
    found = {name: _trace(scope, name, columns) for name in names} if scope is not None else {}
    return {name: origin for name, origin in found.items() if origin is not None}


def renames_by_list(tree: exp.Expr | None) -> bool:
    """Whether columns of tables are called by a list behind a name: WITH c (id, x) AS ..., FROM t AS c (id, x)."""
    return tree is not None and any(map(_has_list, tree.find_all(exp.CTE, exp.Subquery, exp.Table)))


def is_made_up(tree: exp.Expr | None, name: str) -> bool:
    """Whether the outermost SELECT shows under this name an expression in which no column of that name stands: a + 1 AS id."""
    named = (
        [each for each in tree.selects if each.alias_or_name.lower() == name.lower()]
        if isinstance(tree, exp.Select)
        else []
    )
    if len(named) != 1 or isinstance(named[0].unalias(), exp.Column):
        return False
    return all(column.name.lower() != name.lower() for column in named[0].find_all(exp.Column))


def _has_list(node: exp.Expr) -> bool:
    alias = node.args.get("alias")
    is_function = isinstance(node, exp.Table) and not node.name  # whose columns have no other names
    return isinstance(alias, exp.TableAlias) and bool(alias.columns) and not is_function


def named_by(tree: exp.Expr | None, name: str) -> tuple[str, ...] | None:
    """What the outermost SELECT itself calls a result column: ("o", "id"), ("id",); None if it is no plain column there.

    A bare name that another result column is called by as well is told apart by no one: ORDER BY would take the other.
    """
    if not isinstance(tree, exp.Select):
        return None
    named = [column for column in tree.selects if column.alias_or_name.lower() == name.lower()]
    if len(named) > 1:
        return None
    if named:
        column = named[0].unalias()
        if not isinstance(column, exp.Column) or column.is_star:
            return None
        path = tuple(part.name for part in column.parts)
    else:
        stars = [column for column in tree.selects if column.is_star]
        if len(stars) != 1:
            return None
        star = stars[0]
        path = (*(part.name for part in star.parts[:-1]), name) if isinstance(star, exp.Column) else (name,)
    taken = any(column.alias.lower() == path[0].lower() for column in tree.selects if column not in named)
    return None if len(path) == 1 and taken else path


def _trace(scope: Scope, name: str, columns: TableColumns) -> Origin | None:
    if not isinstance(scope.expression, exp.Select):
        return None
    named = [column for column in scope.expression.selects if column.alias_or_name.lower() == name.lower()]
    if len(named) == 1:
        column = named[0].unalias()
        if not isinstance(column, exp.Column) or column.is_star:
            return None
        return _from_sources(scope, column.table, column.name, columns)
    stars = [column for column in scope.expression.selects if column.is_star]
    if named or len(stars) != 1:
        return None
    return _from_sources(scope, stars[0].table if isinstance(stars[0], exp.Column) else "", name, columns)


def _from_sources(scope: Scope, qualifier: str, name: str, columns: TableColumns) -> Origin | None:
    holders = [
        (node, source)
        for alias, (node, source) in scope.selected_sources.items()
        if (alias.lower() == qualifier.lower() if qualifier else True)
    ]
    if len(holders) > 1:
        holders = [
            (node, source) for node, source in holders if _is_renamed(node, source) or _holds(source, name, columns)
        ]
    if len(holders) != 1:
        return None
    [(node, holder)] = holders
    if _is_renamed(node, holder):
        return None
    origin = _trace(holder, name, columns) if isinstance(holder, Scope) else _column_of(holder, name)
    if origin is None or not may_be_left_out(scope.expression, node):
        return origin
    return origin._replace(turns_null=True)


def _is_renamed(node: exp.Expr, source: exp.Table | Scope) -> bool:
    """By a list: which of its columns is which, only their order would tell."""
    named = [node, source.expression.parent] if isinstance(source, Scope) else [node]
    return any(isinstance(each, exp.Expr) and _has_list(each) for each in named)


def _column_of(source: exp.Table, name: str) -> Origin | None:
    """None: of a function, in whose place no table stands."""
    return Origin(_table(source), name) if source.name else None


def _holds(source: exp.Table | Scope, name: str, columns: TableColumns) -> bool:
    names = _outputs(source, columns) if isinstance(source, Scope) else columns.get(_table(source), ())
    return name.lower() in {held.lower() for held in names}


def _outputs(scope: Scope, columns: TableColumns) -> Iterator[str]:
    if not isinstance(scope.expression, exp.Query):
        return
    for column in scope.expression.selects:
        if not column.is_star:
            yield column.alias_or_name
            continue
        qualifier = column.table if isinstance(column, exp.Column) else ""
        for alias, (_, source) in scope.selected_sources.items():
            if not qualifier or alias.lower() == qualifier.lower():
                yield from _outputs(source, columns) if isinstance(source, Scope) else columns.get(_table(source), ())


def _table(node: exp.Table) -> Table:
    return Table(node.db, node.name)

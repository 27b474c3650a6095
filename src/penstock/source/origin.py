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


# What shows one of a column's own values. (Not CAST: it rounds, cuts and parses, and what it shows may be another row's value.)
_AS_IT_IS = (exp.Paren, exp.Min, exp.Max)


def tables_of(tree: exp.Expr | None) -> frozenset[Table]:
    """Every name that the query reads from: tables, views, and the names of its own WITH parts; functions have none."""
    if tree is None:
        return frozenset()
    return frozenset(table_of(node) for node in tree.find_all(exp.Table) if node.name)


def scope_of(tree: exp.Expr | None) -> Scope | None:
    """The query's outermost SELECT or set operation, and in it all others. None: nobody can tell."""
    try:
        return build_scope(tree) if tree is not None else None
    except SqlglotError:
        return None


def origins_of(tree: exp.Expr | None, names: tuple[str, ...], columns: TableColumns) -> Mapping[str, Origin]:
    """Result column → the one table column that it shows unchanged. Expressions, set operations and what cannot be told apart
    are missing."""
    scope = scope_of(tree)
    found = {name: _trace(scope, name, columns) for name in names} if scope is not None else {}
    return {name: origin for name, origin in found.items() if origin is not None}


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
    shown = shown_under(scope, name)
    if shown is None or not isinstance(shown.value, exp.Column | exp.Star):
        return None
    found = source_of(scope, shown, columns)
    if found is None:
        return None
    node, holder = found
    origin = _trace(holder, shown.name, columns) if isinstance(holder, Scope) else column_of(holder, shown.name)
    if origin is None or not may_be_left_out(scope.expression, node):
        return origin
    return origin._replace(turns_null=True)


class Shown(NamedTuple):
    """What a SELECT shows under a name: the column `name` of what it calls `qualifier` ("": of whatever holds it), or what an
    expression makes of it."""

    value: exp.Expr
    qualifier: str
    name: str
    is_picked: bool = False


def shown_under(scope: Scope, name: str) -> Shown | None:
    """None: it is made up, or nobody can tell."""
    if not isinstance(scope.expression, exp.Select):
        return None
    named = [column for column in scope.expression.selects if column.alias_or_name.lower() == name.lower()]
    if len(named) == 1:
        column = value = named[0].unalias()
        is_picked = False
        while isinstance(column, _AS_IT_IS):
            is_picked |= not isinstance(column, exp.Paren)
            column = column.this
        if not isinstance(column, exp.Column) or column.is_star:
            return None
        return Shown(value, column.table, column.name, is_picked)
    stars = [column for column in scope.expression.selects if column.is_star]
    if named or len(stars) != 1:
        return None
    return Shown(stars[0], stars[0].table if isinstance(stars[0], exp.Column) else "", name)


def source_of(scope: Scope, shown: Shown, columns: TableColumns) -> tuple[exp.Expr, exp.Table | Scope] | None:
    """None: nobody can tell. (Aliases that differ by case alone are two for some servers, and one for others.)"""
    holders = [
        (node, source)
        for alias, (node, source) in scope.selected_sources.items()
        if (alias.lower() == shown.qualifier.lower() if shown.qualifier else True)
    ]
    if len(holders) > 1 and not shown.qualifier and not _is_merged(scope.expression, shown.name):
        holders = [
            (node, source)
            for node, source in holders
            if _is_renamed(node, source) or _holds(source, shown.name, columns)
        ]
    if len(holders) != 1 or _is_renamed(*holders[0]):
        return None
    return holders[0]


def _is_merged(select: exp.Expr, name: str) -> bool:
    """By a join: the column of this name is then of both sides."""
    joins: list[exp.Join] = select.args.get("joins") or []
    return any(
        join.method == "NATURAL" or name.lower() in {each.name.lower() for each in join.args.get("using") or ()}
        for join in joins
    )


def _is_renamed(node: exp.Expr, source: exp.Table | Scope) -> bool:
    """By a list: which of its columns is which, only their order would tell."""
    named = [node, source.expression.parent] if isinstance(source, Scope) else [node]
    return any(isinstance(each, exp.Expr) and _has_list(each) for each in named)


def column_of(source: exp.Table, name: str) -> Origin | None:
    """None: of a function, in whose place no table stands; or of what may be a part of a WITH: servers find those in any case,
    and some of them find later ones."""
    if not source.name or (not source.db and source.name.lower() in _parts_of_with(source)):
        return None
    return Origin(table_of(source), name)


def _parts_of_with(source: exp.Table) -> frozenset[str]:
    return frozenset(part.alias.lower() for part in source.root().find_all(exp.CTE))


def _holds(source: exp.Table | Scope, name: str, columns: TableColumns) -> bool:
    names = _outputs(source, columns) if isinstance(source, Scope) else columns.get(table_of(source), ())
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
                yield from _outputs(source, columns) if isinstance(source, Scope) else columns.get(table_of(source), ())


def table_of(node: exp.Table) -> Table:
    return Table(node.db, node.name)

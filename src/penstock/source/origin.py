"""Which table's column stands behind a column of the result. Pure; what a table holds is handed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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


class Behind(NamedTuple):
    """A column of a table, whose values a query shows as they are. place: where in the query that table stands; is_picked: the
    least or the greatest of several rows' values, or of all."""

    table: Table
    column: str
    place: tuple[int, ...]
    is_picked: bool


# What shows one of a column's own values. (Not CAST: it rounds, cuts and parses, and what it shows may be another row's value.)
_AS_IT_IS = (exp.Paren, exp.Min, exp.Max)


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


def columns_behind(tree: exp.Expr | None, name: str, columns: TableColumns) -> frozenset[Behind]:
    """Every table column that the query may show under this name, as it is or as MIN and MAX give it: one for each part of a
    UNION. None at all: something else may stand there, or nobody can tell."""
    try:
        scope = build_scope(tree) if tree is not None else None
    except SqlglotError:
        scope = None
    return _behind(scope, name, columns, (), is_picked=False) if scope is not None else frozenset()


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
    shown = _shown(scope, name)
    if shown is None or not isinstance(shown.value, exp.Column | exp.Star):
        return None
    found = _source_of(scope, shown, columns)
    if found is None:
        return None
    node, holder = found
    origin = _trace(holder, shown.name, columns) if isinstance(holder, Scope) else _column_of(holder, shown.name)
    if origin is None or not may_be_left_out(scope.expression, node):
        return origin
    return origin._replace(turns_null=True)


def _behind(
    scope: Scope, name: str, columns: TableColumns, within: tuple[tuple[Scope, int], ...], *, is_picked: bool
) -> frozenset[Behind]:
    """within: what is being looked through already (a WITH may read itself), and where each stands."""
    if any(outer is scope for outer, _ in within):
        return frozenset()
    if isinstance(scope.expression, exp.SetOperation):
        parts = [
            _behind(part, called, columns, (*within, (scope, at)), is_picked=is_picked)
            for at, (part, called) in enumerate(_parts(scope, name))
        ]
        return frozenset().union(*parts) if parts and all(parts) else frozenset()
    shown = _shown(scope, name)
    found = _source_of(scope, shown, columns) if shown is not None else None
    if shown is None or found is None:
        return frozenset()
    node, holder = found
    within, is_picked = (*within, (scope, id(node))), is_picked or shown.is_picked
    if isinstance(holder, Scope):
        return _behind(holder, shown.name, columns, within, is_picked=is_picked)
    origin = _column_of(holder, shown.name)
    if origin is None:
        return frozenset()
    return frozenset({Behind(origin.table, origin.column, tuple(at for _, at in within), is_picked)})


def _parts(scope: Scope, name: str) -> Iterator[tuple[Scope, str]]:
    """Of a UNION, with what each part calls the column of this name: they are put together by their order. None of them: that is
    not to be seen. Of EXCEPT and INTERSECT the first part alone is shown."""
    names = [each.lower() for each in _names(scope)]
    parts = scope.set_operation_scopes
    if not isinstance(scope.expression, exp.Union):
        parts = parts[:1]
    if _table_of_star(scope) is not None:  # all parts show the same table
        yield from ((part, name) for part in parts)
        return
    called = [_names(part) for part in parts]
    if name.lower() in names and all("*" not in each and len(each) == len(names) for each in called):
        at = names.index(name.lower())
        yield from ((part, each[at]) for part, each in zip(parts, called, strict=True))


def _table_of_star(scope: Scope) -> Table | None:
    """The one table that SELECT * FROM it shows, in all parts of a UNION."""
    if isinstance(scope.expression, exp.SetOperation):
        tables = {_table_of_star(part) for part in scope.set_operation_scopes}
        return tables.pop() if len(tables) == 1 else None
    sources = [source for _, source in scope.selected_sources.values()]
    if _names(scope) != ["*"] or len(sources) != 1 or not isinstance(sources[0], exp.Table):
        return None
    return _table(sources[0])


def _names(scope: Scope) -> Sequence[str]:
    """In their order; "" for an expression without a name."""
    query = scope.expression
    return [each.alias_or_name for each in query.selects] if isinstance(query, exp.Query) else ()


class _Shown(NamedTuple):
    """What a SELECT shows under a name: the column `name` of what it calls `qualifier` ("": of whatever holds it), or what an
    expression makes of it."""

    value: exp.Expr
    qualifier: str
    name: str
    is_picked: bool = False


def _shown(scope: Scope, name: str) -> _Shown | None:
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
        return _Shown(value, column.table, column.name, is_picked)
    stars = [column for column in scope.expression.selects if column.is_star]
    if named or len(stars) != 1:
        return None
    return _Shown(stars[0], stars[0].table if isinstance(stars[0], exp.Column) else "", name)


def _source_of(scope: Scope, shown: _Shown, columns: TableColumns) -> tuple[exp.Expr, exp.Table | Scope] | None:
    holders = [
        (node, source)
        for alias, (node, source) in scope.selected_sources.items()
        if (alias.lower() == shown.qualifier.lower() if shown.qualifier else True)
    ]
    if len(holders) > 1:
        holders = [
            (node, source)
            for node, source in holders
            if _is_renamed(node, source) or _holds(source, shown.name, columns)
        ]
    if len(holders) != 1 or _is_renamed(*holders[0]):
        return None
    return holders[0]


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

"""Every table column whose values a query may show under a name. Pure; what a table holds is handed in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from penstock.source.origin import Table, TableColumns, column_of, scope_of, shown_under, source_of, table_of


class Behind(NamedTuple):
    """A column of a table, whose values a query shows as they are. place: where in the query that table stands; is_picked: the
    least or the greatest of several rows' values, or of all."""

    table: Table
    column: str
    place: tuple[int, ...]
    is_picked: bool


def columns_behind(tree: exp.Expr | None, name: str, columns: TableColumns) -> frozenset[Behind]:
    """Every table column that the query may show under this name, as it is or as MIN and MAX give it: one for each part of a
    UNION. None at all: something else may stand there, or nobody can tell."""
    scope = scope_of(tree)
    return _behind(scope, name, columns, (), is_picked=False) if scope is not None else frozenset()


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
    shown = shown_under(scope, name)
    found = source_of(scope, shown, columns) if shown is not None else None
    if shown is None or found is None:
        return frozenset()
    node, holder = found
    within, is_picked = (*within, (scope, id(node))), is_picked or shown.is_picked
    if isinstance(holder, Scope):
        return _behind(holder, shown.name, columns, within, is_picked=is_picked)
    origin = column_of(holder, shown.name)
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
    return table_of(sources[0])


def _names(scope: Scope) -> Sequence[str]:
    """In their order; "" for an expression without a name."""
    query = scope.expression
    return [each.alias_or_name for each in query.selects] if isinstance(query, exp.Query) else ()

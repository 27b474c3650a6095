"""Where a query itself makes NULLs, whatever its tables hold: outer joins, and sums over all groups. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp


def may_be_left_out(select: exp.Expr, source: exp.Expr) -> bool:
    """Whether rows of this SELECT may show NULL for every column of that part of its FROM."""
    around = tuple(_joins_around(select, source))
    if any(join.side in ("LEFT", "FULL") for join in around):
        return True
    # What does not stand behind such a join is taken to stand before it.
    if any(join.side in ("RIGHT", "FULL") and all(join is not one for one in around) for join in _joins(select)):
        return True
    group = select.args.get("group")
    return group is not None and (
        any(value for name, value in group.args.items() if name != "expressions")
        or any(isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets) for node in group.walk())
    )


def _joins_around(select: exp.Expr, source: exp.Expr) -> Iterator[exp.Join]:
    """Joins whose right side the source is, or is a part of."""
    node: exp.Expr | None = source
    while node is not None and node is not select:
        if isinstance(node, exp.Join):
            yield node
        node = node.parent


def _joins(select: exp.Expr) -> Iterator[exp.Join]:
    """Of this SELECT, subqueries left out; a join in parentheses is none."""
    for node in select.walk(
        prune=lambda inner: isinstance(inner, exp.Select | exp.SetOperation) and inner is not select
    ):
        if isinstance(node, exp.Join):
            yield node

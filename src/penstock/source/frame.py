"""Where conditions on the key go: into the user's SELECT where that means the same, else around it.

Inside, the user's text is cut at token offsets and put together again with the condition between; the result is parsed and
must be the user's own tree plus that condition, or the query is wrapped. Writing the tree back instead changed the meaning of
queries (IFNULL, BINARY, FOR SYSTEM_TIME), so that is never done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from penstock.source.columns import ColumnKind
from penstock.source.dialect import Dialect
from penstock.source.keyset import KeyColumn, key_column
from penstock.source.statement import Statement, parse_tree

_CLAUSES_AFTER_WHERE = (TokenType.GROUP_BY, TokenType.HAVING, TokenType.WINDOW, TokenType.ORDER_BY)
# Whatever of these an outermost SELECT has, a condition in its WHERE would change other rows as well.
_CHANGES_OTHER_ROWS = ("distinct", "limit", "offset", "fetch", "qualify", "windows", "connect", "match", "laterals")
_PROBE = "penstock_probe = 1"


@dataclass(frozen=True, slots=True)
class Frame:
    """A SELECT with a place for a condition on its key columns. keys: what they are called there.
    is_inside: whether the condition stands in the user's own SELECT."""

    head: str
    tail: str
    keys: tuple[KeyColumn, ...]
    is_inside: bool

    def select(self, condition: str, limit: int, skipped: int = 0) -> str:
        """Its rows that meet the condition, in key order, behind the first so many. The caller passes the condition's values."""
        order = ", ".join(key.compared for key in self.keys)
        offset = f" OFFSET {skipped}" if skipped else ""
        return f"{self.head}{condition}{self.tail}\nORDER BY {order} LIMIT {limit}{offset}"

    def where(self, condition: str) -> str:
        """Its rows that meet the condition, in any order."""
        return f"{self.head}{condition}{self.tail}"


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Of one key column. name: in the result. sql: what the outermost SELECT calls it, None if it is more than a column.
    members: of an ENUM, 0 where that is not known."""

    name: str
    sql: str | None
    kind: ColumnKind = ColumnKind.INTEGER
    members: int = 0


def around(statement: Statement, keys: Sequence[KeyPlace], dialect: Dialect) -> Frame:
    """The query as a derived table: always right, sometimes slow."""
    names = [key_column(dialect.quote_path("penstock_q", key.name), key.kind, key.members) for key in keys]
    head = f"SELECT * FROM (\n{statement.text}\n) AS penstock_q\nWHERE ("
    return _frame(head, ")", names, dialect, is_inside=False)


def inside(statement: Statement, keys: Sequence[KeyPlace], dialect: Dialect) -> Frame | None:
    """The query with a place in its own WHERE; None where that would mean something else."""
    pieces = _cut(statement, keys, dialect)
    if pieces is None:
        return None
    return _frame(*pieces, _names(keys), dialect, is_inside=True)


def keys_inside(statement: Statement, keys: Sequence[KeyPlace], dialect: Dialect) -> Frame | None:
    """As `inside`, selecting nothing but the key columns: an index may then do without the rows."""
    tree = statement.tree
    pieces = _cut(statement, keys, dialect)
    if pieces is None or tree is None or tree.args.get("group") or tree.args.get("having"):
        return None
    head, tail = pieces
    start, end = _select_list(statement.tokens)
    if start is None or end is None:
        return None
    names = _names(keys)
    head = f"{head[: start.end + 1]} {', '.join(name.shown for name in names)} {head[end.start :]}"
    expected = _with_probe(tree)
    expected.set("expressions", [sqlglot.parse_one(name.shown, read=dialect.name) for name in names])
    if parse_tree(head + _PROBE + tail, dialect) != expected:
        return None
    return _frame(head, tail, names, dialect, is_inside=True)


def _frame(head: str, tail: str, names: Sequence[KeyColumn], dialect: Dialect, *, is_inside: bool) -> Frame:
    keys = tuple(
        KeyColumn(dialect.verbatim(name.compared), dialect.verbatim(name.shown), name.members) for name in names
    )
    return Frame(dialect.verbatim(head), dialect.verbatim(tail), keys, is_inside)


def _names(keys: Sequence[KeyPlace]) -> tuple[KeyColumn, ...]:
    return tuple(key_column(key.sql or "", key.kind, key.members) for key in keys)


def _cut(statement: Statement, keys: Sequence[KeyPlace], dialect: Dialect) -> tuple[str, str] | None:
    """The text before and after the condition, without the user's ORDER BY; None if it cannot stand there."""
    tree = statement.tree
    if not isinstance(tree, exp.Select) or not _may_filter(tree, keys, dialect):
        return None
    text, outer = statement.text, _outermost(statement.tokens)
    where = next((token for token in outer if token.token_type == TokenType.WHERE), None)
    later = [token for token in outer if token.token_type in _CLAUSES_AFTER_WHERE]
    order = next((token for token in later if token.token_type == TokenType.ORDER_BY), None)
    first = later[0] if later else None
    # Between the last word that counts and the next clause there may be a comment: cut before it.
    end = _end_before(statement.tokens, first)
    rest = text[end + 1 : order.start if order else len(text)] if first else ""
    if where is None:
        head, tail = f"{text[: end + 1]}\nWHERE (", ")" + rest
    else:
        head = f"{text[: where.end + 1]} ({text[where.end + 1 : end + 1]}\n) AND ("
        tail = ")" + rest
    if parse_tree(head + _PROBE + tail, dialect) != _with_probe(tree):
        return None
    return head, tail


def _may_filter(tree: exp.Select, keys: Sequence[KeyPlace], dialect: Dialect) -> bool:
    if any(key.sql is None for key in keys) or not tree.args.get("from_"):
        return False
    if any(tree.args.get(name) for name in _CHANGES_OTHER_ROWS):
        return False
    parts = [*tree.expressions, tree.args.get("having"), tree.args.get("order")]
    group = tree.args.get("group")
    # A window function looks at other rows, @variables count them, an aggregate without GROUP BY makes one row of all.
    telling = (exp.Window, exp.Parameter) if group else (exp.Window, exp.Parameter, exp.AggFunc)
    if any(_has_of_its_own(node, telling) for node in parts if node):
        return False
    if group is None:
        return not tree.args.get("having")
    if any(value for name, value in group.args.items() if name != "expressions"):
        return False  # ROLLUP, CUBE
    grouped = {_column_path(node) for node in group.expressions}
    return all(_column_path(sqlglot.parse_one(key.sql or "", read=dialect.name)) in grouped for key in keys)


def _has_of_its_own(node: exp.Expr, kinds: tuple[type, ...]) -> bool:
    """Whether such a node stands in it, subqueries left out."""
    return any(isinstance(found, kinds) for found in node.walk(prune=lambda inner: isinstance(inner, exp.Query)))


def _column_path(node: exp.Expr) -> tuple[str, ...]:
    return tuple(part.name.lower() for part in node.parts) if isinstance(node, exp.Column) else ()


def _outermost(tokens: Sequence[Token]) -> list[Token]:
    """The tokens of the outermost SELECT itself, from that word on: what is in parentheses left out."""
    depth = 0
    found: list[Token] = []
    for token in tokens:
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth == 0 and (found or token.token_type == TokenType.SELECT):
            found.append(token)
    return found


def _end_before(tokens: Sequence[Token], clause: Token | None) -> int:
    """Where the last token before this clause ends (of all, if None)."""
    return max(token.end for token in tokens if clause is None or token.end < clause.start)


def _select_list(tokens: Sequence[Token]) -> tuple[Token | None, Token | None]:
    """The words SELECT and FROM around the outermost select list."""
    outer = _outermost(tokens)
    start = outer[0] if outer else None
    return start, next((token for token in outer if token.token_type == TokenType.FROM), None)


def _with_probe(tree: exp.Expr) -> exp.Expr:
    """What the user's tree has to become: the condition added, the order gone."""
    expected = tree.copy()
    probe = exp.Paren(this=sqlglot.parse_one(_PROBE))
    where = tree.args.get("where")
    expected.set("order", None)
    expected.set(
        "where", exp.Where(this=exp.And(this=exp.Paren(this=where.this.copy()), expression=probe) if where else probe)
    )
    return expected

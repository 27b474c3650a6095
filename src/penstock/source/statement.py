"""The user's query as sqlglot understands it. The tree decides what may be done; the text alone is ever sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.tokenizer_core import Token, TokenType

from penstock.errors import JobError
from penstock.source.dialect import POSTGRESQL, Dialect

# Comments that MySQL and MariaDB run as SQL, and that sqlglot passes over.
_RUNNING_COMMENTS = ("/*!", "/*M!")
_FIRST_WORDS = (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN)


@dataclass(frozen=True)
class Statement:
    """text: without the closing semicolon, and without the comments around that unless the database runs them.
    tokens: positions are of `text`. tree: None where sqlglot does not understand the query; the database may, and it is then
    never looked into."""

    text: str
    tokens: Sequence[Token]
    tree: exp.Expr | None


def parse_statement(query: str, dialect: Dialect, place: str = "source.query") -> Statement:
    """Raises JobError unless the query is a single SELECT that only reads. place: where it stands in the job file."""
    if "\0" in query:
        raise JobError(f"{place} holds a NUL character; leave it out")
    try:
        tokens = sqlglot.tokenize(query, read=dialect.name)
    except SqlglotError as error:
        raise JobError(f"{place} cannot be read: {_first_line(error)}") from error
    closing = []
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        closing.append(tokens.pop())
    if not tokens:
        raise JobError(f"{place} is empty; write a SELECT")
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise JobError(f"{place} holds several statements; write a single SELECT")
    if any(mark in query for mark in _RUNNING_COMMENTS):
        # What looks like a comment at the end may be a condition.
        rest = query[closing[0].end + 1 :] if closing else ""
        return Statement(query[: closing[-1].start] + rest if closing else query, tokens, None)
    text = query[: tokens[-1].end + 1]
    tree = parse_tree(text, dialect)
    if tree is None:
        if tokens[0].token_type not in _FIRST_WORDS:
            raise JobError(f"{place} begins with {tokens[0].text!r}; write a single SELECT")
    elif tokens[0].token_type == TokenType.WITH and isinstance(tree, exp.DML):
        raise JobError(f"{place} is a {tree.key.upper()} behind its WITH; write a single SELECT")
    else:
        _refuse_all_but_reading(tree, tokens[0], place)
    return Statement(text, tokens, tree)


def parse_tree(text: str, dialect: Dialect) -> exp.Expr | None:
    """None: sqlglot does not understand it. Names are as the database knows them: PostgreSQL's in lower case unless quoted."""
    try:
        tree = sqlglot.parse_one(text, read=dialect.name)
    except SqlglotError:
        return None
    return normalize_identifiers(tree, dialect=dialect.name) if dialect == POSTGRESQL else tree


def _refuse_all_but_reading(tree: exp.Expr, first: Token, place: str) -> None:
    if not isinstance(tree, exp.Query) or first.token_type not in _FIRST_WORDS:
        raise JobError(f"{place} begins with {first.text!r}; write a single SELECT")
    if any(isinstance(node, exp.Lock) for node in tree.walk()):
        raise JobError(f"{place} locks rows (FOR UPDATE); leave that out: penstock reads without locks")
    if any(isinstance(node, exp.Into) for node in tree.walk()):
        raise JobError(f"{place} writes its result elsewhere (INTO); leave that out")
    if any(isinstance(node, exp.DML) for node in tree.walk()):
        raise JobError(f"{place} changes rows (in its WITH); write a SELECT that only reads")
    placeholder = next((node for node in tree.walk() if _is_placeholder(node)), None)
    if placeholder is not None:
        sign = "$" if isinstance(placeholder, exp.Parameter) else ":"
        name = f"{sign}{placeholder.name}" if placeholder.this else "?"
        raise JobError(f"{place} has the placeholder {name}, and nothing to put there; write the value itself")


def _is_placeholder(node: exp.Expr) -> bool:
    """?, :name, and PostgreSQL's $1; not the @variables of MySQL."""
    return isinstance(node, exp.Placeholder) or (isinstance(node, exp.Parameter) and isinstance(node.this, exp.Literal))


def _first_line(error: SqlglotError) -> str:
    return str(error).splitlines()[0]

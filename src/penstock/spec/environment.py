"""`${NAME}` in a job file: from the environment, else from a `.env` beside the file. `$${` stands for `${` itself."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from dotenv.parser import parse_stream

from penstock.spec.masking import URLS
from penstock.spec.problems import Problems
from penstock.spec.suggest import did_you_mean
from penstock.spec.templates import EXPRESSION_MARKS
from penstock.spec.tree import Branch, Items, Leaf, Node
from penstock.spec.wrong import Location

_VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Variables:
    """Names and their values: `environment` wins over the `.env` file of `folder`, which is read when first needed."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = environment
        self._file = folder / ".env"
        self.used: dict[str, str] = {}  # what the job file asked for and got
        self.unreadable: list[int] = []  # lines of .env, once it was read

    @cached_property
    def _beside(self) -> Mapping[str, str | None]:
        if not self._file.exists():
            return {}
        if self._file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # Not by dotenv_values, which logs what it passes over.
        with self._file.open(encoding="utf-8-sig") as text:
            lines = list(parse_stream(text))
        self.unreadable += [line.original.line for line in lines if line.error]
        return {line.key: line.value for line in lines if line.key is not None}

    def get(self, name: str) -> str | None:
        """Raises OSError or UnicodeError for a .env file that cannot be read."""
        if name in self._environment:
            return self._environment[name]
        return self._beside.get(name)

    def names(self) -> frozenset[str]:
        return frozenset(self._environment) | frozenset(self._beside)


def fill(root: Node, variables: Variables, problems: Problems) -> object:
    """The tree as plain values (dict, list, str, int, Decimal, bool, None), every variable filled in; what is wrong is added."""
    return _Filling(variables, problems).plain(root, ())


class _Filling:
    def __init__(self, variables: Variables, problems: Problems) -> None:
        self._variables = variables
        self._problems = problems

    def plain(self, node: Node, at: Location) -> object:
        if isinstance(node, Branch):
            return {key: self.plain(child, (*at, key)) for key, child in node.nodes.items()}
        if isinstance(node, Items):
            return [self.plain(child, (*at, index)) for index, child in enumerate(node.nodes)]
        return self._text(node, node.value, at) if isinstance(node.value, str) else node.value

    def _text(self, leaf: Leaf, text: str, at: Location) -> str:
        def value_of(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            name, closed = match[1], match[2]
            if not closed or not _NAME.fullmatch(name):
                way_out = "write ${NAME}, or $${ where the text itself has ${; there are no defaults"
                self._problems.add(leaf.line, at, "has a ${ that names no variable", way_out)
                return ""
            value = self._value(name, leaf, at)
            # At the very start a variable is not inside a URL: it holds the URL, or its beginning.
            if at in URLS and match.start() > 0:
                return quote(value, safe="")
            if any(mark in value for mark in EXPRESSION_MARKS):
                way_out = "it would be read as an expression; such a value cannot be used here"
                self._problems.add(leaf.line, at, f"the value of ${{{name}}} has {{{{, {{% or {{# in it", way_out)
            return value

        return _VARIABLE.sub(value_of, text)

    def _value(self, name: str, leaf: Leaf, at: Location) -> str:
        try:
            value = self._variables.get(name)
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self._problems.add(
                leaf.line,
                at,
                f"${{{name}}} is looked up in .env, which cannot be read ({why})",
                "make it readable text",
            )
            return ""
        if value is None:
            hint = did_you_mean(name, self._variables.names())
            way_out = f"set {name} in the environment, or in a .env file beside the job file"
            what = f"${{{name}}} is not set"
            if self._variables.unreadable:
                what += f", and .env, line {self._variables.unreadable[0]}, is no NAME=value: look at its quotes"
            self._problems.add(leaf.line, at, what, f"{hint} else {way_out}" if hint else way_out)
            return ""
        if not value:
            # A secret that a script failed to fetch: sent all the same it would be an answer 401 for every row.
            way_out = "give it a value, or leave it out of the file"
            self._problems.add(leaf.line, at, f"${{{name}}} is set, but empty", way_out)
            return ""
        if not _is_text(value):
            self._problems.add(leaf.line, at, f"the value of ${{{name}}} is not UTF-8 text", "set it again")
            return ""
        self._variables.used[name] = value
        return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes of the environment that are no UTF-8
        return False
    return True

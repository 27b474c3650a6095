"""YAML 1.2 text → tree, with lines. `on` and dates are text; tags, merge keys and duplicate keys are refused.

ruamel.yaml splits the text into events; what they mean is decided here, so that no tag is ever acted on and aliases cannot
blow up (a billion laughs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from penstock.spec.problems import Problems
from penstock.spec.tree import Branch, Items, Leaf, Node
from penstock.spec.wrong import Location

_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")

DEEPEST = 40
MOST_NODES = 100_000

# The core schema of YAML 1.2.2, section 10.3.2. Infinity and not-a-number are no JSON and stay text.
_NULL = frozenset({"null", "Null", "NULL", "~"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}", re.ASCII)
_OTHER_BASE = re.compile(r"0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}", re.ASCII)
_FRACTION = re.compile(r"[-+]?(?:\.[0-9]{1,400}|[0-9]{1,400}(?:\.[0-9]{0,400})?)(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)


def read_yaml(text: str, problems: Problems) -> Branch:
    """The file's one document, a mapping. Raises JobFileError for a text that cannot be read on; lesser problems are added."""
    reader = _Reader(text, problems)
    try:
        return reader.document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.refuse(
            mark.line + 1 if mark else None, f"this is no YAML: {_without_names(error.problem)}", _COMMON_SLIPS
        )
    except YAMLError:
        problems.refuse(
            None, "this is no YAML: it holds a character that YAML does not allow", "remove control characters"
        )
    except (AssertionError, OverflowError, ValueError):
        # ruamel.yaml trips over other versions of YAML, and over escapes beyond Unicode, instead of saying so.
        problems.refuse(reader.line, "this is no YAML: it cannot be read from here on", _COMMON_SLIPS)


_COMMON_SLIPS = (
    "look at the indentation and the space after each colon, and put quotes around values that begin with @ % ` or have a "
    "colon or # in them, and around ${...} between [ ] or { }"
)


def _without_names(problem: str | None) -> str:
    """The parser's words, without the names of aliases and tags: a password that starts with * or ! is read as one."""
    if problem is None or "tag" in problem or "alias" in problem or "anchor" in problem:
        return "a value that starts with ! * or & needs quotes"
    return " ".join(problem.split())


@dataclass(frozen=True, slots=True)
class _Measured:
    """A node, how many nodes it holds (aliases counted as what they stand for), and how deep they go."""

    node: Node
    size: int
    height: int


class _Reader:
    """Goes through the events of one text, once."""

    def __init__(self, text: str, problems: Problems) -> None:
        self._events: Iterator[Event] = iter(YAML(typ="safe", pure=True).parse(text))
        self._problems = problems
        self._anchors: dict[str, _Measured] = {}
        self.line = 1

    def document(self) -> Branch:
        event = self._next()
        while not isinstance(event, NodeEvent):
            if isinstance(event, StreamEndEvent):
                self._problems.refuse(
                    None, "is empty", "write a job: name, source, target; `penstock schema` knows every key"
                )
            if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
                self._problems.refuse(
                    self.line, "asks for another version of YAML", "leave %YAML out: job files are YAML 1.2"
                )
            event = self._next()
        root = self._node(event, (), self.line).node
        while not isinstance(event, StreamEndEvent):
            event = self._next()
            if isinstance(event, DocumentStartEvent):
                self._problems.refuse(
                    self.line, "a second document begins here", "one file holds one job; leave --- out"
                )
        if not isinstance(root, Branch):
            self._problems.refuse(root.line, "is no mapping", "write a job: name:, source:, target:")
        return root

    def _next(self) -> Event:
        event = next(self._events)
        if event.start_mark is not None:
            self.line = event.start_mark.line + 1
        return event

    def _node(self, event: Event, at: Location, line: int) -> _Measured:
        """line: of the key, or of the value itself in a list."""
        if len(at) > DEEPEST:
            self._problems.refuse(self.line, f"goes deeper than {DEEPEST} levels", "nest less")
        if isinstance(event, AliasEvent):
            return self._alias(event, at, line)
        if getattr(event, "tag", None) is not None:
            self._problems.add(
                line, at, "has a tag (!...), and none is ever acted on", "leave it out, or put quotes around the text"
            )
        if isinstance(event, MappingStartEvent):
            measured = self._mapping(at, line)
        elif isinstance(event, SequenceStartEvent):
            measured = self._sequence(at, line)
        elif isinstance(event, ScalarEvent):
            measured = _Measured(self._scalar(event, at, line), 1, 1)
        else:
            raise TypeError(f"{event!r} begins no value")
        if measured.size > MOST_NODES or measured.height > DEEPEST + 1:
            self._problems.refuse(
                line, "its aliases stand for too much", f"at most {MOST_NODES:,} values, {DEEPEST} levels deep"
            )
        if isinstance(event, NodeEvent) and event.anchor is not None:
            self._anchors[event.anchor] = measured
        return measured

    def _alias(self, event: AliasEvent, at: Location, line: int) -> _Measured:
        measured = self._anchors.get(event.anchor)
        if measured is None:
            self._problems.add(
                line, at, "is an alias (*...) of no anchor above it", "put quotes around text that starts with *"
            )
            return _Measured(Leaf(line, "", None), 1, 1)
        return replace(measured, node=replace(measured.node, line=line))

    def _mapping(self, at: Location, line: int) -> _Measured:
        nodes: dict[str, Node] = {}
        size, height = 1, 0
        while not isinstance(event := self._next(), MappingEndEvent):
            key_line = self.line
            if not isinstance(event, ScalarEvent) or event.tag is not None:
                self._problems.refuse(
                    key_line,
                    "a key is no plain text",
                    'write `key: value`, and quotes around text with { [ ! or *: "{{ total }}"',
                )
            key = self._characters(str(event.value))
            place = (*at, key)
            if key == "<<" and event.style is None:
                self._problems.add(
                    key_line, place, "merges another mapping, which job files do not", "write its keys out"
                )
            if key in nodes:
                self._problems.add(
                    key_line, place, f"is there twice, first in line {nodes[key].line}", "keep one of the two"
                )
            child = self._node(self._next(), place, key_line)
            nodes.setdefault(key, child.node)
            size, height = size + child.size, max(height, child.height)
        return _Measured(Branch(line, nodes), size, height + 1)

    def _sequence(self, at: Location, line: int) -> _Measured:
        nodes: list[Node] = []
        size, height = 1, 0
        while not isinstance(event := self._next(), SequenceEndEvent):
            child = self._node(event, (*at, len(nodes)), self.line)
            nodes.append(child.node)
            size, height = size + child.size, max(height, child.height)
        return _Measured(Items(line, nodes), size, height + 1)

    def _scalar(self, event: ScalarEvent, at: Location, line: int) -> Leaf:
        text = self._characters(str(event.value))
        if event.style is not None:
            return Leaf(line, text, text)
        if not text:
            way_out = "give it one, leave the key out, or write null where nothing is meant"
            if at and ":" in str(at[-1]):  # {Authorization:Bearer ...}
                way_out = "write a space behind the colon"
            self._problems.add(line, at, "has no value", way_out)
        return Leaf(line, text, _meaning(text))

    def _characters(self, text: str) -> str:
        if _HALF_CHARACTER.search(text):
            self._problems.refuse(
                self.line, r"half a character (\ud800 to \udfff) stands here", r"write \U and eight digits"
            )
        return text


def _meaning(text: str) -> bool | int | Decimal | str | None:
    """What an unquoted scalar is. Numbers of absurd length stay text."""
    if not text or text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FRACTION.fullmatch(text):
        return Decimal(text)
    return text

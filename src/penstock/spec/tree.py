"""A job file as read: its values with the lines they stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from penstock.spec.wrong import Location


@dataclass(frozen=True, slots=True)
class Leaf:
    """written: the scalar's text without its quotes. Fractions are Decimal: what is written is what is sent."""

    line: int
    written: str
    value: bool | int | Decimal | str | None


@dataclass(frozen=True, slots=True)
class Branch:
    """line: of the key that the mapping stands at."""

    line: int
    nodes: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Items:
    line: int
    nodes: Sequence[Node]


Node: TypeAlias = Leaf | Branch | Items


def nearest(root: Node, at: Location) -> tuple[Node, bool]:
    """The node at this place, or the innermost one on the way to it; and whether it is the very place."""
    node = root
    for step in at:
        if isinstance(node, Branch) and step in node.nodes:
            node = node.nodes[str(step)]
        elif isinstance(node, Items) and isinstance(step, int) and step < len(node.nodes):
            node = node.nodes[step]
        else:
            return node, False
    return node, True

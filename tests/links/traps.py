"""Where on a link something happens, and what: a byte, a packet, a COMMIT, a statement; once, and then never again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.links.packets import Packet


class Way(StrEnum):
    THERE = "there"  # from the client to the server
    BACK = "back"


class At(StrEnum):
    BYTE = "byte"
    PACKET = "packet"  # of the database's client; where nobody knows packets, and on the way back: what came at once
    COMMIT = "commit"
    STATEMENT = "statement"  # one with certain words in it


class Does(StrEnum):
    CUT = "cut"  # it does not pass any more, and the connection is reset
    SWALLOW = "swallow"  # it passes; when its answer comes the connection is reset, and the answer is lost
    HOLD = "hold"  # it waits until it is released
    HOLD_ANSWER = "hold-answer"  # it passes; its answer waits until it is released


@dataclass
class Trap:
    """number: how many of these it takes, from 1: the last of them is the one. words: of the statement, or of one of those that a
    COMMIT commits."""

    at: At
    does: Does
    number: int = 1
    way: Way = Way.THERE
    words: str = ""

    @classmethod
    def of(cls, told: dict[str, Any]) -> Trap:
        return cls(
            At(told["at"]),
            Does(told["does"]),
            int(told.get("number", 1)),
            Way(told.get("way", Way.THERE)),
            str(told.get("words", "")),
        )

    def passes(self, way: Way, packet: Packet, statements: Sequence[str]) -> int | None:
        """How many bytes of the packet pass before it happens. None: all of them, it is still to come. statements: those of its
        transaction before it."""
        if way is not self.way or not self._concerns(packet, statements):
            return None
        weight = len(packet.data) if self.at is At.BYTE else 1
        self.number -= weight
        if self.number > 0:
            return None
        return weight + self.number - 1 if self.at is At.BYTE else 0

    def _concerns(self, packet: Packet, statements: Sequence[str]) -> bool:
        match self.at:
            case At.BYTE | At.PACKET:
                return True
            case At.COMMIT:
                return packet.is_commit and any(self.words in statement for statement in [*statements, ""])
            case At.STATEMENT:
                return self.words in (packet.statement or "")

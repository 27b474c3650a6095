"""Heads of answers that have been read before, byte for byte: what they mean need not be found out again.

A server's answers to one kind of request begin alike, but for the second in their Date. llhttp reads each such head once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from penstock.target.base import Answer

# Where each answer has a head of its own (a request's number in it), these are forgotten over and over, and no more is lost.
_MOST = 32
_LONGEST = 4096
_END = b"\r\n\r\n"


class Head(NamedTuple):
    """status, headers: as in Answer. length: of the body behind it. keep_alive: the Keep-Alive header, "" without one."""

    status: int
    headers: Sequence[tuple[str, str]]
    length: int
    keep_alive: str


class KnownHeads:
    """Those of answers that came in one piece and plain: not in chunks, not encoded, and the connection stays open. Shared by the
    connections to one server."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}

    def read(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the body, if the data is one whole answer and its head is known."""
        end = data.find(_END) + len(_END)
        head = self._heads.get(data[:end])
        if head is None or len(data) - end != head.length:
            return None
        return head, data[end:]

    def learn(self, data: bytes, answer: Answer, keep_alive: str) -> None:
        """data: all that was fed for this answer, after which the connection stays open."""
        end = data.find(_END) + len(_END)
        if (
            end <= _LONGEST and data[end:] == answer.body
        ):  # else there are chunks, gzip, an answer before it, or bytes behind
            if len(self._heads) >= _MOST:
                self._heads.clear()
            self._heads[data[:end]] = Head(answer.status, answer.headers, len(answer.body), keep_alive)

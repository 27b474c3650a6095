"""The port to the new service: one send, one outcome. `penstock.target.http` is the adapter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias


class Answer(NamedTuple):
    """A complete, well-framed answer to exactly this request.

    headers: names in lower case, in the order they came, as text.
    body: decoded (gzip) bytes, within the size cap.
    delimited: False when only the end of the connection ended the body, so that it may have been cut unseen.
    """

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    delimited: bool = True


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No complete answer.

    sent: whether a byte of the request may have been handed to the kernel. (False as well where the server proves that it has
    read none of it: it refused the TLS handshake, which TLS 1.3 lets it do after the client has begun to send.)
    reason: for people, without secrets: "connection refused by 127.0.0.1:8080", "no answer within 30 s".
    """

    sent: bool
    reason: str


Outcome: TypeAlias = Answer | NoAnswer

# Told what a request came to: once, by the loop.
Done: TypeAlias = Callable[[Outcome], None]


class Sender(Protocol):
    def start(self, requests: Sequence[tuple[bytes, Done]]) -> None:
        """Send each of these whole HTTP/1.1 requests exactly once. Its `done` is called with what it came to, after this has
        returned, and at most `timeout.total` seconds later; it must not raise.

        Whatever the network does is an outcome; the same bytes are never sent twice, and redirects are never followed.
        """
        ...

    async def send(self, request: bytes) -> Outcome:
        """`start` it and wait. Cancelled: it is given up, and its connection with it."""
        ...

    async def aclose(self) -> None:
        """Close every connection. Attempts still under way end as NoAnswer."""
        ...

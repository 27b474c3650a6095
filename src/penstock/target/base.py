"""The port to the new service: one send, one outcome. `penstock.target.http` is the adapter."""

from __future__ import annotations

from collections.abc import Sequence
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


class Sender(Protocol):
    async def send(self, request: bytes) -> Outcome:
        """Send one whole HTTP/1.1 request exactly once and wait for its answer, at most `timeout.total` seconds in all.

        Never raises for what the network does; never sends the same bytes twice; never follows a redirect.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection. Attempts still under way end as NoAnswer."""
        ...

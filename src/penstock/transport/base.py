"""The ports: wait until there may be something to lease, and hear from a broker what it may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Bell(Protocol):
    async def wait(self, seconds: float) -> None:
        """Return when a range may have become free, at the latest after `seconds`."""
        ...

    def ring(self) -> None:
        """This worker has finished or made a range: whoever waits may look again."""
        ...


class Message(NamedTuple):
    """For others than workers. message_id: the same whenever the same is said again. body: JSON."""

    message_id: str
    routing_key: str
    body: bytes


class Broker(Protocol):
    """Hands out the numbers of ranges that may be leased. A hint, never the truth."""

    @property
    def trouble(self) -> str:
        """Why it hands out nothing just now, for people (no secrets); "" if all is well."""
        ...

    async def wait(self) -> None:
        """Return once a message has arrived that nobody has taken yet (it stays to be taken)."""
        ...

    async def take(self, seconds: float) -> int | None:
        """The number of a range that may be leased, which is given to nobody else of this process until `done`.

        None: nothing came within `seconds`. While the broker is out of reach it comes sooner, but never before the smaller
        of `seconds` and 0.2 s: whoever asks again at once does not spin.
        """
        ...

    def done(self, range_no: int) -> None:
        """The range needs this worker no more (done, given back, lost, or not to be leased): its messages are acknowledged.

        Unknown numbers are ignored. Never raises: an acknowledgement that cannot be sent is dropped, and the broker hands
        the message out again, which is harmless.
        """
        ...

    async def publish(self, ranges: Sequence[int]) -> int:
        """Have these numbers handed out. How many of the first ones the broker has confirmed, before one was refused (the
        queue is full), came back (there is no queue), or nothing was heard for 5 s. Never raises for the broker's troubles:
        `trouble` tells."""
        ...

    async def publish_to(self, exchange: str, messages: Sequence[Message]) -> int:
        """Tell others. Returns how many of the first of them the broker has confirmed; one that no queue takes is confirmed and
        gone. Without messages it only looks whether the exchange is there. Raises JobError if it is not, or may not be written
        to."""
        ...

    async def depth(self) -> int | None:
        """Messages in the queue that are handed to nobody yet; None: the broker is out of reach."""
        ...

    async def purge(self) -> None:
        """Forget what waits to be handed out, so that nobody begins to work for it."""
        ...

    async def aclose(self) -> None: ...

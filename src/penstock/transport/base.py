"""The ports: wait until there may be something to lease; be handed the numbers of ranges out by a broker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Bell(Protocol):
    async def wait(self, seconds: float) -> None:
        """Return when a range may have become free, at the latest after `seconds`."""
        ...

    def ring(self) -> None:
        """This worker has finished or made a range: whoever waits may look again."""
        ...


class Broker(Protocol):
    """Hands out the numbers of ranges that may be leased. A hint, never the truth: a message that is lost, doubled or late
    changes only speed. Nothing is raised for the broker's troubles: `trouble` tells them."""

    @property
    def trouble(self) -> str:
        """Why it hands nothing out just now, for people; "" if all is well."""
        ...

    async def wait(self) -> None:
        """Return once a message has come that nobody has taken. It stays to be taken."""
        ...

    async def take(self, seconds: float) -> int | None:
        """The number of a range that may be leased; None: nothing came within `seconds`, or the broker does not answer."""
        ...

    def done(self, range_no: int) -> None:
        """The range needs this worker no more: it is done, given back, lost, or was not to be leased. Its messages are
        acknowledged; numbers that were not taken are ignored."""
        ...

    async def publish(self, ranges: Sequence[int]) -> int:
        """Let these be handed out. Returns how many of the first of them the broker has confirmed."""
        ...

    async def depth(self) -> int | None:
        """How many messages wait to be handed out; None: the broker does not answer."""
        ...

    async def purge(self) -> None:
        """Forget what waits to be handed out: nobody is to begin to work for it."""
        ...

    async def aclose(self) -> None: ...

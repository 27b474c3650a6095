"""The port: wait until there may be something to lease."""

from __future__ import annotations

from typing import Protocol


class Bell(Protocol):
    async def wait(self, seconds: float) -> None:
        """Return when a range may have become free, at the latest after `seconds`."""
        ...

    def ring(self) -> None:
        """This worker has finished or made a range: whoever waits may look again."""
        ...

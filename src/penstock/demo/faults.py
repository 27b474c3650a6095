"""How the bundled API stumbles: the same seed makes the same orders stumble in the same way, however fast they come."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from zlib import crc32


class Fault(Enum):
    """What goes wrong with one request. The weight says how often, relative to the others."""

    ERROR_BEFORE = "500, nothing applied"
    ERROR_AFTER = "500, although the order was applied"
    LOST_ANSWER = "applied, then the connection closes without an answer"
    BUSINESS_ERROR = "200 with code 40012, nothing applied"
    THROTTLED = "429 with Retry-After: 1, nothing applied"


_WEIGHTS = {
    Fault.ERROR_BEFORE: 12,
    Fault.ERROR_AFTER: 12,
    Fault.LOST_ANSWER: 12,
    Fault.BUSINESS_ERROR: 15,
    Fault.THROTTLED: 1,  # each makes a polite client wait for a whole second
}
_DRAWN = tuple(fault for fault, weight in _WEIGHTS.items() for _ in range(weight))
_RESOLUTION = 1_000_000


class Faults:
    """Draws a fault, or none, for each request. share: of the requests that stumble, 0 to 1."""

    def __init__(self, *, share: float, seed: int) -> None:
        self._threshold = round(share * _RESOLUTION)
        self._seed = seed
        self._requests: Counter[str] = Counter()

    def draw(self, order_no: str) -> Fault | None:
        """The fault of the next request for this order. It depends on seed, order and how many came before, on nothing else."""
        if self._threshold == 0:
            return None
        self._requests[order_no] += 1
        chance = crc32(f"{self._seed}:{order_no}:{self._requests[order_no]}".encode())
        if chance % _RESOLUTION >= self._threshold:
            return None
        return _DRAWN[chance // _RESOLUTION % len(_DRAWN)]

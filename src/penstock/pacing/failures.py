"""Whether too many attempts fail: broken answers, or none at all. A few always do, whatever is on the wire."""

from __future__ import annotations

import math

LATELY = 100  # answers
# As many in a hundred as `stop_at` lets pass unless the job file says otherwise.
USUAL = 0.05


class Failures:
    """Counts about the last LATELY answers."""

    def __init__(self) -> None:
        self._answers = 0.0
        self._failures = 0.0

    @property
    def are_too_many(self) -> bool:
        """More than chance makes of the usual share: three standard deviations, and two more where there are few answers."""
        usual = USUAL * self._answers
        return self._failures > usual + 3 * math.sqrt(usual) + 2

    def count(self, *, failed: bool) -> None:
        if self._answers >= LATELY:
            self._answers /= 2
            self._failures /= 2
        self._answers += 1
        self._failures += failed

    def forget(self) -> None:
        self._answers = self._failures = 0.0

"""What a database means to do for a page, whichever database it is."""

from __future__ import annotations

from dataclasses import dataclass

# Going through so few rows for every page costs less than a look at an index.
FEW_ROWS = 5000


@dataclass(frozen=True, slots=True)
class PagePlan:
    """scanned: tables gone through from end to end for each page, with their estimated rows (None: not known).
    words: every step, for people."""

    scanned: tuple[tuple[str, int | None], ...]
    words: tuple[str, ...]

    @property
    def costs_a_scan(self) -> bool:
        """Whether reading all pages goes through a table once for each page."""
        return any(rows is None or rows > FEW_ROWS for _, rows in self.scanned)

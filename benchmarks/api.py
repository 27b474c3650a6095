"""What the benchmarks ask of the API that all post to."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Api(Protocol):
    """process: its number. certificate: of the authority that signed its own, for https."""

    @property
    def process(self) -> int: ...

    @property
    def certificate(self) -> Path: ...

    def url(self, delay: int, *, tls: bool = False) -> str:
        """Where to POST. delay: of the answer, milliseconds."""

    def posts(self) -> int:
        """Requests so far, those of this method left out."""

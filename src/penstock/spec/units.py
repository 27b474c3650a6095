"""Durations, rates and shares as people write them: 200ms, 30s, 10m, 4h, 2d; 500/s, 30/m; 5% or 50."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

NEVER = math.inf

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True, slots=True)
class ShareOrCount:
    """A limit given as a share of the finished rows looked at (0..1), as a number of rows, or as neither (never)."""

    share: float | None = None
    count: int | None = None

    def of(self, total: int) -> float:
        """The limit in rows out of `total`."""
        if self.count is not None:
            return self.count
        return NEVER if self.share is None else self.share * total


def parse_duration(value: object) -> float:
    """ "30s" → 30.0. A bare number is refused: nobody can tell seconds from milliseconds. Raises ValueError."""
    if isinstance(value, float):
        return value  # already parsed, or built in Python: seconds
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is no duration: write a number and a unit, like 200ms, 30s, 10m, 4h")
    return float(match[1]) * _SECONDS[match[2]]


def parse_rate(value: object) -> float:
    """ "500/s" → 500.0 requests per second. Raises ValueError."""
    if isinstance(value, float):
        return value
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{value!r} is no rate: write requests per time, like 500/s or 30/m")
    return float(match[1]) / _SECONDS[match[2]]


def parse_share_or_count(value: object) -> ShareOrCount:
    """ "5%" → a share of 0.05; 50 → a count; "never" → neither. Raises ValueError."""
    if isinstance(value, ShareOrCount):
        return value
    if value == "never":
        return ShareOrCount()
    if type(value) is int and value > 0:
        return ShareOrCount(count=value)
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not 0 < float(match[1]) <= 100:
        raise ValueError(f"{value!r} is no limit: write a share like 5%, a number of rows like 50, or never")
    return ShareOrCount(share=float(match[1]) / 100)

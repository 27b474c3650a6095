"""Durations, rates and shares as people write them: 200ms, 30s, 10m, 4h, 2d; 500/s, 30/m; 5% or 50."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from penstock.spec.wrong import Wrong

NEVER = math.inf

DURATION_PATTERN = r"\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)"
RATE_PATTERN = r"\d+(?:\.\d+)?\s*/\s*(?:s|m|h)"
SHARE_PATTERN = r"\d+(?:\.\d+)?\s*%"

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = 366 * 86400.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.ASCII)
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)", re.ASCII)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%", re.ASCII)


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
    """ "30s" → 30.0. A float is seconds already (a job built in Python); a bare number in a file is refused: nobody can tell
    seconds from milliseconds. Raises Wrong, also for more than a year."""
    if isinstance(value, float):
        seconds = value
    else:
        match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise Wrong("is no duration", "write a number and a unit, like 200ms, 30s, 10m, 4h, 2d", value=value)
        seconds = float(match[1]) * _SECONDS[match[2]]
    if not 0 <= seconds <= _LONGEST:
        raise Wrong("is out of bounds", "write a duration of at most 366d", value=value)
    return seconds


def parse_duration_or_never(value: object) -> float:
    """As parse_duration, and "never" → NEVER. Raises Wrong."""
    return NEVER if value in ("never", NEVER) else parse_duration(value)


def parse_rate(value: object) -> float:
    """ "500/s" → 500.0 requests per second; a float is per second already. Raises Wrong."""
    if isinstance(value, float):
        rate = value
    else:
        match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
        rate = float(match[1]) / _SECONDS[match[2]] if match else 0.0
    if not 0 < rate < math.inf:
        raise Wrong("is no rate", "write requests per time, like 500/s or 30/m", value=value)
    return rate


def parse_share_or_count(value: object) -> ShareOrCount:
    """ "5%" → a share of 0.05; 50 → a count; "never" → neither. Raises Wrong."""
    if isinstance(value, ShareOrCount):
        return value
    if value == "never":
        return ShareOrCount()
    if type(value) is int and value > 0:
        return ShareOrCount(count=value)
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not 0 < float(match[1]) <= 100:
        raise Wrong("is no limit", "write a share like 5%, a number of rows like 50, or never", value=value)
    return ShareOrCount(share=float(match[1]) / 100)

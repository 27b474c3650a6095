"""How numbers, times and foreign text are written for people."""

from __future__ import annotations

import json
import math

_SIZES = ("B", "kB", "MB", "GB", "TB")
_CALENDAR = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def number(value: int) -> str:
    """1204 → "1,204"."""
    return f"{value:,}"


def counted(count: int, noun: str) -> str:
    """ "1 row", "1,204 rows"."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def per_second(rate: float) -> str:
    """Rows or requests per second: "0.4/s", "1/s", "31/s", "12,400/s"."""
    return f"{rate:.1f}/s" if 0 < rate < 10 and not rate.is_integer() else f"{rate:,.0f}/s"


def duration(seconds: float) -> str:
    """Seconds in their two largest units: "0.4 s", "45 s", "3 min 20 s", "2 d 4 h"."""
    if not math.isfinite(seconds):
        return "for ever"
    if seconds < 10:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    parts: list[str] = []
    for unit, length in _CALENDAR:
        count, rest = divmod(rest, length)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def size(count: float) -> str:
    """Bytes: "512 B", "1.2 GB"."""
    power = 0
    while count >= 1000 and power < len(_SIZES) - 1:
        count, power = count / 1000, power + 1
    return f"{count:.1f} {_SIZES[power]}" if power and count < 100 else f"{count:.0f} {_SIZES[power]}"


def printable(text: str) -> str:
    """Foreign text (an API's answer, a column's value) that can do nothing to a terminal: control characters are spelled out,
    the way JSON does, so that a request's body stays what it is."""
    return "".join([char if char.isprintable() else json.dumps(char)[1:-1] for char in text])

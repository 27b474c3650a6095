"""Bars over time, as numbers that a template draws: where each bar and each line stands. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from penstock.insights.timeline import Timeline

# In units of the picture's own, of which a printed page is as wide as the picture.
WIDTH, HEIGHT = 720, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 10, 26
_WIDEST_BAR = 28.0
_TICKS_ACROSS = 6
_TICKS_UP = 4
_LEAST_SHOWN = 1.5  # high: a single failed row among millions is still seen
_STEPS = (1, 2, 5, 10)
_SECOND, _MINUTE, _HOUR, _DAY = 1, 60, 3600, 86_400
_TIME_STEPS = (
    1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR,
    6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 28 * _DAY, 91 * _DAY, 182 * _DAY, 364 * _DAY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """series: the name of what it counts, as a word for the style sheet. label: what it says when pointed at."""

    series: str
    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """up: lines across the picture, by their y. across: marks of time, by their x. base: the y of zero. highest: the fullest
    bucket's count."""

    bars: Sequence[Bar]
    up: Sequence[Tick]
    across: Sequence[Tick]
    base: float
    left: float
    right: float
    highest: int


def picture(timeline: Timeline, names: Mapping[str, str]) -> Picture:
    """Bars of these series, one upon the other. names: of the series, with the words for people."""
    chosen = {name: timeline.series[name] for name in names}
    highest = max((sum(counts) for counts in zip(*chosen.values(), strict=True)), default=0)
    step = _step_up(highest)
    ceiling = step * max(1, math.ceil(highest / step))
    base, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    return Picture(
        bars=tuple(_bars(timeline, chosen, names, room / ceiling)),
        up=tuple(Tick(base - value * room / ceiling, f"{value:,}") for value in range(0, ceiling + 1, step)),
        across=tuple(_across(timeline)),
        base=base,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        highest=highest,
    )


def _bars(
    timeline: Timeline, chosen: Mapping[str, Sequence[int]], names: Mapping[str, str], scale: float
) -> Iterator[Bar]:
    pitch = _pitch(timeline)
    gap = 1.0 if pitch > 4 else 0.25
    for bucket in range(timeline.buckets):
        top = float(HEIGHT - _BOTTOM)
        since = timeline.start + timedelta(seconds=timeline.seconds * bucket)
        for name, counts in chosen.items():
            if counts[bucket]:
                height = max(counts[bucket] * scale, _LEAST_SHOWN)
                top -= height
                label = f"{since:%Y-%m-%d %H:%M:%S}: {counts[bucket]:,} {names[name]}"
                yield Bar(name, _LEFT + bucket * pitch + gap / 2, max(top, 0.0), pitch - gap, height, label)


def _pitch(timeline: Timeline) -> float:
    return min(_WIDEST_BAR, (WIDTH - _LEFT - _RIGHT) / timeline.buckets)


def _step_up(highest: int) -> int:
    """Between two lines: 1, 2, 5, 10, 20, ..."""
    rough = max(1.0, highest / _TICKS_UP)
    power = int(10 ** math.floor(math.log10(rough)))
    return next(step * power for step in _STEPS if step * power >= rough)


def _across(timeline: Timeline) -> Iterator[Tick]:
    pitch = _pitch(timeline)
    length = timeline.seconds * (WIDTH - _LEFT - _RIGHT) / pitch
    step = next((step for step in _TIME_STEPS if length / step <= _TICKS_ACROSS), _TIME_STEPS[-1])
    begin = timeline.start.timestamp()
    at = math.ceil(begin / step) * step
    last_day = ""
    while at <= begin + length:
        moment = datetime.fromtimestamp(at, timeline.start.tzinfo)
        day = f"{moment:%d %b}"
        label = _label(moment, step, day if day != last_day else "")
        x = _LEFT + (at - begin) / timeline.seconds * pitch
        if _LEFT + 12 <= x <= WIDTH - _RIGHT - 20 or not last_day:
            yield Tick(x, label)
        last_day = day
        at += step


def _label(moment: datetime, step: int, new_day: str) -> str:
    if step >= _DAY:
        return f"{moment:%d %b %Y}" if step >= 28 * _DAY else f"{moment:%d %b}"
    clock = f"{moment:%H:%M:%S}" if step < _MINUTE else f"{moment:%H:%M}"
    return f"{new_day}, {clock}" if new_day else clock

import math

from penstock.pacing.mishaps import WINDOW, Mishaps


def test_rows_are_too_many_when_the_limit_is_reached() -> None:
    mishaps = Mishaps(3)
    for _ in range(2):
        mishaps.finished(bad=True)
    assert not mishaps.are_too_many
    mishaps.finished(bad=True)
    assert mishaps.are_too_many


def test_only_the_last_rows_count() -> None:
    mishaps = Mishaps(2)
    mishaps.finished(bad=True)
    for _ in range(WINDOW):
        mishaps.finished(bad=False)
    mishaps.finished(bad=True)
    assert mishaps.bad == 1
    assert not mishaps.are_too_many


def test_never_is_never() -> None:
    mishaps = Mishaps(math.inf)
    for _ in range(5000):
        mishaps.finished(bad=True)
    assert mishaps.bad == mishaps.seen == WINDOW
    assert not mishaps.are_too_many

"""Did you mean ...?"""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """ "did you mean 'url'?", or nothing when no known word is close."""
    by_lower = {word.lower(): word for word in known}
    close = get_close_matches(written.lower()[:100], by_lower, n=1, cutoff=0.6)
    return f"did you mean {by_lower[close[0]]!r}?" if close else ""

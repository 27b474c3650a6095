"""Puts what a run found into the pages that show it, between two comments there."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def put(page: str, block: str, text: str) -> None:
    """block: `<!-- measured: NAME -->` ... `<!-- end -->` of the page; what stands between is replaced."""
    path = _ROOT / page
    before = path.read_text(encoding="utf-8")
    path.write_text(replaced(before, block, text), encoding="utf-8")


def replaced(page: str, block: str, text: str) -> str:
    place = re.compile(rf"(<!-- measured: {re.escape(block)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not place.search(page):
        raise ValueError(f"the page has no place for what is measured as {block!r}")
    return place.sub(lambda found: f"{found[1]}\n{text.strip()}\n\n{found[2]}", page)

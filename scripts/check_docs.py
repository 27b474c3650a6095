"""Checks what readers of the repository would trip over, and prints each finding as file:line: message.

- every relative link in a Markdown file leads to a file, and its #fragment to a heading there;
- every page under docs/ can be reached from README.md or docs/index.md;
- no file names a folder of somebody's machine, or the host of a package registry.

    python scripts/check_docs.py [FOLDER]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

_START_PAGES = ("README.md", "docs/index.md")
_FENCE = re.compile(r"^\s*(```|~~~)")
_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|^\s*\[[^\]]+\]:\s+(\S+)")
_ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)  # https:, mailto:
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")

# Written so that neither expression finds itself.
_FORBIDDEN = {
    re.compile(r"(?<![\w.:/{}*])/(?:work|root|home|tmp)(?:/|\b)"): "names a folder of a machine",
    re.compile(r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:org|com)|proxy[.]golang[.]org|crates[.]io"): (
        "names the host of a package registry"
    ),
}
_MADE = {"__pycache__", "build", "dist", "node_modules"}
_TEXT = {".md", ".py", ".toml", ".yaml", ".yml", ".txt", ".in", ".json", ".html", ".css", ".js", ".sql", ""}


def main(root: Path) -> int:
    findings = [*broken_links(root), *unreachable_pages(root), *forbidden_words(root)]
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


def broken_links(root: Path) -> Iterator[str]:
    for page in _files(root, suffixes={".md"}):
        for number, target in _links(page):
            path, _, fragment = target.partition("#")
            leads_to = _resolve(root, page, path)
            place = f"{page.relative_to(root)}:{number}"
            if not leads_to.exists():
                yield f"{place}: {target} leads nowhere"
            elif fragment and leads_to.suffix == ".md" and fragment not in _headings(leads_to):
                yield f"{place}: {target}: there is no such heading in {leads_to.relative_to(root)}"


def unreachable_pages(root: Path) -> Iterator[str]:
    waiting = [page for name in _START_PAGES if (page := root / name).exists()]
    reached: set[Path] = set(waiting)
    while waiting:
        page = waiting.pop()
        for _, target in _links(page):
            leads_to = _resolve(root, page, target.partition("#")[0])
            if leads_to.suffix == ".md" and leads_to.exists() and leads_to not in reached:
                reached.add(leads_to)
                waiting.append(leads_to)
    for page in _files(root / "docs", suffixes={".md"}):
        if page not in reached:
            yield f"{page.relative_to(root)}:1: no link leads here from {' or '.join(_START_PAGES)}"


def forbidden_words(root: Path) -> Iterator[str]:
    for file in _files(root, suffixes=_TEXT):
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            for expression, complaint in _FORBIDDEN.items():
                if found := expression.search(line):
                    yield f"{file.relative_to(root)}:{number}: {found.group()!r} {complaint}"


def _files(folder: Path, *, suffixes: set[str]) -> Iterator[Path]:
    """Files below `folder`, without what is made rather than written: hidden folders (.ci is written) and build output."""
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.is_dir():
            if not entry.is_symlink() and (entry.name[0] != "." or entry.name == ".ci") and entry.name not in _MADE:
                yield from _files(entry, suffixes=suffixes)
        elif entry.suffix in suffixes:
            yield entry


def _prose(page: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a page outside fenced code."""
    fenced = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, line


def _links(page: Path) -> Iterator[tuple[int, str]]:
    for number, line in _prose(page):
        for inline, defined in _LINK.findall(_CODE.sub("", line)):
            target = inline or defined
            if not _ELSEWHERE.match(target):
                yield number, target


def _resolve(root: Path, page: Path, path: str) -> Path:
    if not path:
        return page
    base = root if path.startswith("/") else page.parent
    leads_to = (base / unquote(path).lstrip("/")).resolve()
    return leads_to / "README.md" if (leads_to / "README.md").exists() else leads_to


def _headings(page: Path) -> set[str]:
    """The fragments that GitHub gives to the headings of a page."""
    found: list[str] = []
    for _, line in _prose(page):
        if heading := _HEADING.match(line):
            words = re.sub(r"[^\w\- ]", "", heading.group(1).lower()).replace(" ", "-")
            repeats = sum(
                1 for fragment in found if fragment == words or re.fullmatch(rf"{re.escape(words)}-\d+", fragment)
            )
            found.append(f"{words}-{repeats}" if repeats else words)
    return set(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))

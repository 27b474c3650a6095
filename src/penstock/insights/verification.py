"""What `penstock verify` found: counted as it comes, or read from its saved lines (`verify FILE --json`). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from penstock.errors import JobError

EXAMPLES = 5  # of each kind


class Extent(NamedTuple):
    """What a verification looked at, and against what. rows: of the source; records: of the new store; store: "" where there was
    none to look into."""

    rows: int
    records: int
    store: str


@dataclass(frozen=True, slots=True)
class Verification:
    """counts: findings by kind, the most frequent first. examples: of each kind the first lines, whole. sha256: of the file that
    they were read from, "" if they were not; origin: its name, or in words where they come from. extent: None if it is not
    known."""

    counts: Mapping[str, int]
    examples: Mapping[str, Sequence[Mapping[str, object]]]
    origin: str
    sha256: str = ""
    extent: Extent | None = None

    @property
    def findings(self) -> int:
        return sum(self.counts.values())


class Findings:
    """Counts findings as they come, and keeps the first of each kind."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[Mapping[str, object]]] = {}

    def add(self, finding: Mapping[str, object]) -> None:
        """finding: as `verify --json` prints it."""
        kind = str(finding["kind"])
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if self._counts[kind] <= EXAMPLES:
            self._examples.setdefault(kind, []).append(finding)

    def verification(self, origin: str, *, sha256: str = "", extent: Extent | None = None) -> Verification:
        by_number = dict(sorted(self._counts.items(), key=lambda item: (-item[1], item[0])))
        return Verification(by_number, self._examples, origin, sha256, extent)


def read_verification(lines: Iterable[bytes], origin: str) -> Verification:
    """Raises JobError for a line that `penstock verify --json` does not print."""
    findings = Findings()
    digest = hashlib.sha256()
    for number, line in enumerate(lines, start=1):
        digest.update(line)
        if line.strip():
            findings.add(_finding(line, f"{origin}:{number}"))
    return findings.verification(origin, sha256=digest.hexdigest())


def _finding(line: bytes, place: str) -> Mapping[str, object]:
    try:
        finding = orjson.loads(line)
    except ValueError:
        finding = None
    if not isinstance(finding, dict) or not isinstance(finding.get("kind"), str) or "key" not in finding:
        raise JobError(
            f"{place} is no finding of `penstock verify FILE --json`, which has at least kind and key; give what that printed"
        )
    return finding

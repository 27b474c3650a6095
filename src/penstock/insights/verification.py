"""What `penstock verify` found, as its saved lines (`verify FILE --json`) tell it. Pure, in flat memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from penstock.errors import JobError

EXAMPLES = 5  # of each kind


@dataclass(frozen=True, slots=True)
class Verification:
    """counts: findings by kind, the most frequent first. examples: of each kind the first lines, whole. sha256: of the file that
    they were read from, "" if they were not; origin: its name, or in words where they come from."""

    counts: Mapping[str, int]
    examples: Mapping[str, Sequence[Mapping[str, object]]]
    origin: str
    sha256: str = ""

    @property
    def findings(self) -> int:
        return sum(self.counts.values())


def read_verification(lines: Iterable[bytes], origin: str) -> Verification:
    """Raises JobError for a line that `penstock verify --json` does not print."""
    counts: dict[str, int] = {}
    examples: dict[str, list[Mapping[str, object]]] = {}
    digest = hashlib.sha256()
    for number, line in enumerate(lines, start=1):
        digest.update(line)
        if not line.strip():
            continue
        finding = _finding(line, f"{origin}:{number}")
        kind = str(finding["kind"])
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= EXAMPLES:
            examples.setdefault(kind, []).append(finding)
    by_number = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return Verification(by_number, examples, origin, digest.hexdigest())


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

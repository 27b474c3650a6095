"""What `penstock check` found: findings by subject, each graded, and the first rows as the requests they would become."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from penstock.insights.requests import RenderedRequest
from penstock.rows import KeyText


class Grade(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"  # worth knowing; a run works all the same
    PROBLEM = "problem"  # a person must change something first
    UNREACHABLE = "unreachable"  # does not answer; may do so later


@dataclass(frozen=True, slots=True)
class Finding:
    """subject: "source", "key", "index", "flag", "rights", "ledger", "target", "answers", "probe", "verify",
    "estimate". way_out: "" if nothing needs doing."""

    subject: str
    grade: Grade
    text: str
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One of the first rows: its request, or why it does not map, or neither if the mapping skips it. probe: how the API would
    be asked about it (the first row alone, and only where the job has a probe)."""

    key: KeyText
    request: RenderedRequest | None = None
    error: str = ""
    probe: RenderedRequest | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    job: str
    findings: tuple[Finding, ...]
    samples: tuple[Sample, ...] = ()

    def has(self, grade: Grade) -> bool:
        return any(finding.grade is grade for finding in self.findings)

    @property
    def maps(self) -> bool:
        """Whether every sample row could be made into a request (or skipped)."""
        return not any(sample.error for sample in self.samples)

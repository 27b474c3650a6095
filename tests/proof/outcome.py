"""What a chaos run was to be, and what came of it, as a table."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.proof.battlefield import MAX_IN_DOUBT
from tests.proof.evidence import Evidence, Finding
from tests.proof.nemesis import FROZEN, STOPPED
from tests.proof.record import sends

GONE = "its worker was gone before an answer was written down"  # as the ledger says it
_LAST_ROWS = 100  # rows that the last run delivers in a second, at the least


@dataclass(frozen=True)
class Plan:
    """pause: seconds between two faults, at the most."""

    idempotent: bool
    seed: int
    rows: int
    workers: int
    seconds: float
    pause: float
    networks: int = 0
    with_broker: bool = False

    @property
    def patience(self) -> float:
        return 60 + self.rows / _LAST_ROWS


@dataclass(frozen=True)
class Outcome:
    """done: how often which fault has happened. codes: how often runs have ended in which way. glances: how often the job was
    looked at in between. seconds: of the faults; of the last run. calm_at: when the faults had ended, since the epoch."""

    plan: Plan
    done: Mapping[str, int]
    codes: Mapping[int, int]
    evidence: Evidence
    findings: Sequence[Finding]
    glances: int
    seconds: tuple[float, float]
    calm_at: float

    @property
    def faults(self) -> int:
        return sum(self.done.values())

    @property
    def stops(self) -> int:
        """Beyond the lease, whatever came then."""
        return self.done.get(STOPPED, 0) + self.done.get(FROZEN, 0)

    @property
    def sends_under_faults(self) -> int:
        return sum(line.at < self.calm_at for line in sends(self.evidence.log))

    @property
    def doubted_by_kills(self) -> int:
        """Whose worker was gone before it had told anybody."""
        return sum(row["state"] == "in_doubt" and row["reason"] == GONE for row in self.evidence.ledger.rows)

    @property
    def may_be_doubted_by_kills(self) -> int:
        """As promised. (Mostly it is what was on the wire, as the journal knows the rest. But that of a worker that stands still
        is no witness yet when its range is taken over, and is not looked at later.)"""
        return MAX_IN_DOUBT * self.codes.get(-signal.SIGKILL, 0)

    @property
    def second_applies(self) -> int:
        applied = Counter(line.row for line in self.evidence.log if line.applied)
        return sum(times - 1 for times in applied.values())

    def table(self) -> str:
        evidence = self.evidence
        broken = Counter(finding.invariant for finding in self.findings)
        states = Counter(evidence.ledger.states().values())
        out = sends(evidence.log)
        went_out = {line.row for line in out}
        doubted = [key for key, state in evidence.ledger.states().items() if state == "in_doubt"]
        take_overs = Counter(
            "run out" if "run out" in str(event["detail"]) else "dead"
            for event in evidence.ledger.events_of("take_over")
        )
        figures: dict[str, object] = {
            "rows": len(evidence.in_scope),
            "imported": states["imported"],
            "failed": states["failed"],
            "in doubt": f"{len(doubted)}, of which {sum(key not in went_out for key in doubted)} never reached the API",
            "in doubt by kills alone": self.doubted_by_kills,
            "sends": len(out),
            "sends under faults": self.sends_under_faults,
            "applied": sum(line.applied for line in out),
            "second applies": self.second_applies,
            "lost": broken["I1"],
            "unexplained sends": broken["I7"],
            "otherwise wrong": broken.total() - broken["I1"] - broken["I7"],
            "faults": self.faults,
            "looked at in between": f"{self.glances} times",
            "take-overs": f"{take_overs['run out']} of leases that had run out, {take_overs['dead']} of the dead",
            "late answers": len(evidence.ledger.events_of("late_answer")),
            "runs by exit code": ", ".join(f"{code}: {times}" for code, times in sorted(self.codes.items())),
            "seconds": f"{self.seconds[0]:.0f} under faults, {self.seconds[1]:.1f} for the last run",
        }
        plan = self.plan
        by = ", ranges handed out by RabbitMQ" if plan.with_broker else ""
        head = f"{'idempotent' if plan.idempotent else 'not idempotent'}, seed {plan.seed}, {plan.workers} workers{by}"
        lines = [f"  {name:45} {times:6}" for name, times in sorted(self.done.items())]
        lines += [f"  {name:45} {value}" for name, value in figures.items()]
        return "\n".join([head, *lines])

"""A chaos run: workers at work, everything around them failing by chance; then everything heals, and all is checked.

    python -m tests.proof.chaos [--minutes M] [--seed N] [--rows N] [--workers N] [--networks N] [--mode idempotent|once|both]

So many minutes of faults over so many rows, twice: where a repeat is harmless, and where it is not. The workers live in so many
networks of their own (as root), in turn with this machine's. It ends by itself, kills what it started by its number and nothing
else, and exits 1 if anything was lost, doubled, unexplained or otherwise wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.links.namespace import Namespace, NoRight
from tests.proof.battlefield import LEASE, Battlefield, battlefield
from tests.proof.checker import check
from tests.proof.crew import Crew, Worker
from tests.proof.evidence import Evidence, Finding
from tests.proof.nemesis import Nemesis
from tests.proof.record import sends
from tests.proof.stage import Ran

STOPPED = "worker stopped beyond its lease (SIGSTOP)"
_TO_END = 60.0  # seconds that workers may take to end after a SIGTERM, once all is well
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

    @property
    def patience(self) -> float:
        return 60 + self.rows / _LAST_ROWS


@dataclass(frozen=True)
class Outcome:
    """done: how often which fault has happened. codes: how often runs have ended in which way. seconds: of the faults; the last
    run's. calm_at: when the faults had ended, in seconds since the epoch."""

    plan: Plan
    done: Mapping[str, int]
    codes: Mapping[int, int]
    evidence: Evidence
    findings: Sequence[Finding]
    seconds: tuple[float, float]
    calm_at: float

    @property
    def faults(self) -> int:
        return sum(self.done.values())

    @property
    def stops(self) -> int:
        return self.done.get(STOPPED, 0)

    @property
    def sends_under_faults(self) -> int:
        return sum(line.at < self.calm_at for line in sends(self.evidence.log))

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
            "in doubt": f"{len(doubted)}, of which {sum(key not in went_out for key in doubted)} never went out",
            "sends": len(out),
            "sends under faults": self.sends_under_faults,
            "applied": sum(line.applied for line in out),
            "second applies": self.second_applies,
            "lost": broken["I1"],
            "unexplained sends": broken["I7"],
            "otherwise wrong": broken.total() - broken["I1"] - broken["I7"],
            "faults": self.faults,
            "take-overs": f"{take_overs['run out']} of leases that had run out, {take_overs['dead']} of the dead",
            "late answers": len(evidence.ledger.events_of("late_answer")),
            "runs by exit code": ", ".join(f"{code}: {times}" for code, times in sorted(self.codes.items())),
            "seconds": f"{self.seconds[0]:.0f} under faults, {self.seconds[1]:.1f} for the last run",
        }
        plan = self.plan
        head = f"{'idempotent' if plan.idempotent else 'not idempotent'}, seed {plan.seed}, {plan.workers} workers"
        lines = [f"  {name:45} {times:6}" for name, times in sorted(self.done.items())]
        lines += [f"  {name:45} {value}" for name, value in figures.items()]
        return "\n".join([head, *lines])


def chaos(plan: Plan, folder: Path) -> Outcome:
    """Play it in this folder, which is empty."""
    folder.mkdir(exist_ok=True)
    with battlefield(
        folder,
        idempotent=plan.idempotent,
        rows=plan.rows,
        seed=plan.seed,
        networks=plan.networks,
        patience=plan.patience,
    ) as field:
        return asyncio.run(_play(plan, field)).judged(plan, field)


@dataclass(frozen=True)
class _Played:
    done: Mapping[str, int]
    crew: Crew
    seconds: float
    calm_at: float
    last: Ran

    def judged(self, plan: Plan, field: Battlefield) -> Outcome:
        evidence = field.stage.evidence(self.last)
        findings = [*check(evidence), *(Finding("I8", words) for words in self.crew.strange)]
        seconds = self.seconds, self.last.seconds
        return Outcome(plan, self.done, self.crew.codes, evidence, findings, seconds, self.calm_at)


async def _play(plan: Plan, field: Battlefield) -> _Played:
    began = time.monotonic()
    # They are not to be done before the time is over.
    rate = max(1.0, 1.5 * plan.rows / plan.seconds / plan.workers)
    networks: list[Namespace | None] = [None, *field.networks]
    crew = Crew(field.stage, plan.workers, ["--rate", f"{rate:.0f}/s"], networks)
    nemesis = Nemesis(field, crew, rows=plan.rows, seed=plan.seed, pause=plan.pause)
    try:
        await nemesis.rage(plan.seconds)
        seconds, calm_at = time.monotonic() - began, time.time()
        await asyncio.sleep(LEASE)  # what was on its way when all healed comes to its end
        await crew.dismiss(_TO_END)
    finally:
        crew.kill()
    return _Played(nemesis.done, crew, seconds, calm_at, await _run_to_the_end(plan, field))


async def _run_to_the_end(plan: Plan, field: Battlefield) -> Ran:
    began = time.monotonic()
    last = Worker(field.stage, "last", [], None)
    was_stuck = False
    try:
        await asyncio.wait_for(last.ended.wait(), plan.patience + 30)
    except TimeoutError:
        was_stuck = True
        last.send(signal.SIGKILL)
    return Ran(await last.result(field.stage), time.monotonic() - began, was_stuck)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof.chaos")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=15_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--networks", type=int, default=0)
    parser.add_argument("--pause", type=float, default=1.6, help="seconds between two faults, at the most")
    parser.add_argument("--mode", choices=["idempotent", "once", "both"], default="both")
    parser.add_argument("--keep", type=Path, help="a folder for everything that a failure may be explained by")
    options = parser.parse_args()
    modes = {"idempotent": [True], "once": [False], "both": [True, False]}[options.mode]
    print(f"seed {options.seed}", flush=True)  # noqa: T201
    is_well = True
    for idempotent in modes:
        plan = Plan(
            idempotent=idempotent,
            seed=options.seed,
            rows=options.rows,
            workers=options.workers,
            seconds=60 * options.minutes,
            pause=options.pause,
            networks=options.networks,
        )
        try:
            with tempfile.TemporaryDirectory(prefix="penstock-chaos-") as folder:
                outcome = chaos(plan, (options.keep or Path(folder)) / ("idempotent" if idempotent else "once"))
        except NoRight as missing:
            print(missing, file=sys.stderr)  # noqa: T201
            return 1
        print(outcome.table(), flush=True)  # noqa: T201
        for finding in outcome.findings[:50]:
            print(f"  WRONG  {finding}", flush=True)  # noqa: T201
        is_well &= not outcome.findings
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())

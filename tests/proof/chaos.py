"""A chaos run: workers at work, everything around them failing by chance; then everything heals, and all is checked.

    python -m tests.proof.chaos [--minutes M] [--seed N] [--rows N] [--workers N] [--networks N] [--broker]
        [--mode idempotent|once|both]

So many minutes of faults over so many rows, twice: where a repeat is harmless, and where it is not. The workers live in so many
networks of their own (as root), in turn with this machine's. --broker: a RabbitMQ hands the ranges out, and fails as well. It
ends by itself, kills what it started by its number and nothing else, and exits 1 if anything was lost, doubled, unexplained or
otherwise wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.links.namespace import Namespace, NoRight
from tests.proof.battlefield import LEASE, Battlefield, battlefield
from tests.proof.checker import check
from tests.proof.crew import Crew, Worker
from tests.proof.evidence import Finding
from tests.proof.glance import Glances
from tests.proof.nemesis import Nemesis
from tests.proof.outcome import Outcome, Plan
from tests.proof.stage import RUN, Ran

GLANCES = 8  # of a run
_TO_END = 60.0  # seconds that workers may take to end after a SIGTERM, once all is well


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
        with_broker=plan.with_broker,
    ) as field:
        return asyncio.run(_play(plan, field)).judged(plan, field)


@dataclass(frozen=True)
class _Played:
    done: Mapping[str, int]
    crew: Crew
    glances: Glances
    seconds: float
    calm_at: float
    last: Ran

    def judged(self, plan: Plan, field: Battlefield) -> Outcome:
        field.cut_off()
        evidence = field.stage.evidence(self.last)
        findings = [*check(evidence), *self.glances.findings, *(Finding("I8", words) for words in self.crew.strange)]
        seconds = self.seconds, self.last.seconds
        outcome = Outcome(
            plan, self.done, self.crew.codes, evidence, findings, self.glances.made, seconds, self.calm_at
        )
        if outcome.doubted_by_kills > outcome.may_be_doubted_by_kills:
            words = (
                f"{outcome.doubted_by_kills} rows are in doubt by kills, and {outcome.may_be_doubted_by_kills} may be"
            )
            findings.append(Finding("I5", words))
        return outcome


async def _play(plan: Plan, field: Battlefield) -> _Played:
    began = time.monotonic()
    # They are not to be done before the time is over: half of them stand still or begin anew, as a rule.
    rate = max(1.0, 3 * plan.rows / plan.seconds / plan.workers)
    networks: list[Namespace | None] = [None, *field.networks]
    crew = Crew(field.stage, _commands(plan, field, f"{rate:.0f}/s"), networks)
    glances = Glances(field.stage, every=plan.seconds / GLANCES)
    over = asyncio.Event()
    glancing = asyncio.create_task(glances.glance_until(over))
    nemesis = Nemesis(field, crew, rows=plan.rows, seed=plan.seed, pause=plan.pause)
    try:
        await nemesis.rage(plan.seconds)
        seconds, calm_at = time.monotonic() - began, time.time()
        await asyncio.sleep(LEASE)  # what was on its way when all healed comes to its end
        await crew.dismiss(_TO_END)
    finally:
        crew.kill()
        over.set()
        await glancing
    return _Played(nemesis.done, crew, glances, seconds, calm_at, await _run_to_the_end(plan, field))


def _commands(plan: Plan, field: Battlefield, rate: str) -> Sequence[Sequence[str]]:
    """With a broker every other one waits for work, and one finds its ranges in the ledger alone."""
    run = [*RUN, "--rate", rate]
    if field.broker is None:
        return [run] * plan.workers
    by_broker = ["--broker", field.broker.url]
    both = ([*run, *by_broker], ["work", "job.yaml", "--rate", rate, *by_broker])
    return [run if slot == 2 else both[slot % 2] for slot in range(plan.workers)]


async def _run_to_the_end(plan: Plan, field: Battlefield) -> Ran:
    began = time.monotonic()
    last = Worker(field.stage, "last", RUN, None)
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
    parser.add_argument("--broker", action="store_true", help="RabbitMQ hands the ranges out")
    parser.add_argument("--keep", type=Path, help="a folder for everything that a failure may be explained by")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nobody is left behind then either
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
            with_broker=options.broker,
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

"""The journey: an old shop is moved through the API of the new one, runs are killed in between, and in the end all is proved."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from examples.shop.fill import fill
from examples.shop.journey.census import take_census
from examples.shop.journey.kills import moments, run_and_kill
from examples.shop.journey.servers import Stores, ask, make_empty
from examples.shop.journey.service import running_service
from examples.shop.journey.stage import CommandFailed, Stage

# An order needs nothing of the others, a payment its order.
JOBS = ("products", "customers", "orders", "payments")
_RUNS = 4
_SECONDS_IN_DOUBT = (
    16  # timeout.total and probe.after of payments.yaml: sooner nobody believes that a row has not arrived
)


@dataclass(frozen=True, slots=True)
class Plan:
    """rate: requests per second that the service takes. customers, orders: not counting deleted ones."""

    customers: int
    orders: int
    kills: int
    seed: int
    workers: int
    rate: float


def play(plan: Plan, stores: Stores, state: Path) -> bool:
    """Returns whether everything arrived. Raises CommandFailed."""
    stage = Stage(stores=stores, state=state)
    stage.say(
        f"An old shop: {plan.customers:,} customers, {plan.orders:,} orders, and those deleted softly between them"
    )
    make_empty(stores)
    asyncio.run(fill(stores.old, customers=plan.customers, orders=plan.orders, seed=plan.seed))
    stage.say("The new service, in processes of its own: it does not know penstock")
    with running_service(stage, stores, workers=plan.workers, rate=plan.rate) as url:
        stage.use_service(url)
        stage.say("What is missing? check reaches everything and sends nothing; then the ledger and the flags are made")
        stage.penstock("check orders.yaml", expect=(2,))
        for job in JOBS:
            stage.penstock(f"prepare {job}.yaml")
        kills = moments(plan.kills, {job: _rows(stores, job) for job in JOBS}, seed=plan.seed)
        for job in JOBS:
            stage.say(f"The {job}. Runs to be killed: {len(kills.get(job, ()))}")
            for moment in kills.get(job, ()):
                run_and_kill(stage, stores.old, job, at=moment)
                stage.penstock(f"status {job}.yaml")
            _finish(stage, job)
        stage.say("The proof: source, ledger, flags and the new stores, row by row")
        findings = sum(stage.penstock(f"verify {job}.yaml", expect=(0, 1)) for job in JOBS)
    stage.say("The same counted without penstock")
    same = _show_census(stores)
    stage.say(
        "Everything arrived, once, and as it was." if same and not findings else "This should not be: please report it."
    )
    return same and not findings


def _finish(stage: Stage, job: str) -> None:
    """Run until nothing is left, neither pending nor in doubt."""
    for _ in range(_RUNS):
        if stage.penstock(f"run {job}.yaml", expect=(0, 1)) == 0:
            return
        stage.say(f"Rows in doubt are asked about. What has not arrived is believed after {_SECONDS_IN_DOUBT} s")
        time.sleep(_SECONDS_IN_DOUBT)
    raise CommandFailed(f"`penstock run {job}.yaml` still has findings after {_RUNS} runs")


def _rows(stores: Stores, job: str) -> int:
    """About: with the deleted ones."""
    [(rows,)] = ask(stores.old, f"SELECT COUNT(*) FROM {job}")  # noqa: S608  one of our own tables
    return int(rows)


def _show_census(stores: Stores) -> bool:
    same = True
    print(f"{'':28}{'old shop':>20}{'new stores':>20}")
    for count in take_census(stores):
        equal = count.old == count.new
        same = same and equal
        print(f"{count.what:28}{count.old!s:>20}{count.new!s:>20}{'' if equal else '   differs'}", flush=True)
    return same

"""The simulation of many workers: what it must say whatever the costs are, and that what is kept can be read."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import pytest
from benchmarks.simulation.costs import Calls, Cost, keep, kept, least
from benchmarks.simulation.events import Clock, Cores, Lock, Log, Steps
from benchmarks.simulation.meter import beyond, line
from benchmarks.simulation.model import Outcome, simulate, simulate_planners
from benchmarks.simulation.planners import plans_of
from benchmarks.simulation.setup import Setup
from benchmarks.simulation.tables import growing, knees

NOTHING = Cost(cpu=0.0, wait=0.0)
FREE = Calls(**{field.name: NOTHING for field in fields(Calls)})
KEPT = kept()
REAL = KEPT.calls["mariadb"]


def setup(**changes: object) -> Setup:
    return replace(Setup(workers=4, calls=REAL, worker_row=1e-4, latency=0.05, commit=0.001), **changes)  # type: ignore[arg-type]


def dearer(calls: Calls, times: float) -> Calls:
    costs = {field.name: getattr(calls, field.name) for field in fields(Calls)}
    return Calls(
        **{name: replace(cost, cpu=times * cost.cpu, cpu_each=times * cost.cpu_each) for name, cost in costs.items()}
    )


def speed(setup: Setup) -> float:
    return simulate(setup, warm_up=2.0, seconds=6.0).rows_per_second


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("workers", [4, 40])
def test_every_row_that_is_planned_is_sent_and_settled_once(windows: bool, apart: bool, workers: int) -> None:
    busy = setup(windows=windows, apart=apart, workers=workers, range_rows=99)
    outcome = simulate(busy, rows=17_777, warm_up=0.0, seconds=60.0)
    assert (outcome.planned, outcome.sent, outcome.settled) == (17_777, 17_777, 17_777)


def test_on_the_way_no_more_rows_are_settled_than_sent_nor_sent_than_planned() -> None:
    outcome = simulate(setup(), warm_up=0.0, seconds=3.03)
    assert 0 < outcome.settled < outcome.sent <= outcome.planned


@pytest.mark.parametrize(("windows", "most"), [(False, 2000), (True, 666)])
def test_the_wire_waits_while_too_much_waits_to_be_settled(windows: bool, most: int) -> None:
    calls = replace(FREE, settle=Cost(cpu=0.0, wait=0.0, cpu_each=0.01))
    slow = Setup(workers=2, calls=calls, worker_row=0.0, latency=0.01, windows=windows, ledger_cores=1, batch_rows=100)
    found = simulate(slow, warm_up=0.0, seconds=20.0)
    assert found.sent - found.settled == pytest.approx(2 * most, abs=2 * slow.concurrency)


@pytest.mark.parametrize(("workers", "concurrency", "latency"), [(1, 16, 0.1), (8, 13, 0.05), (32, 40, 0.2)])
def test_where_all_else_is_free_the_wire_is_the_limit(workers: int, concurrency: int, latency: float) -> None:
    found = simulate(
        Setup(workers=workers, calls=FREE, worker_row=0.0, concurrency=concurrency, latency=latency, range_rows=4000)
    )
    assert found.rows_per_second == pytest.approx(workers * concurrency / latency, rel=0.02)
    assert found.limit == "API"
    assert found.on_wire == pytest.approx(1.0, abs=0.02)


def test_a_rate_is_kept_to_by_all_together() -> None:
    found = simulate(Setup(workers=5, calls=FREE, worker_row=0.0, latency=0.05, rate=300.0))
    assert found.rows_per_second == pytest.approx(300.0, rel=0.02)
    assert found.limit == "rate"


def test_a_dear_ledger_is_the_limit_and_gives_its_cores_by_the_cost_of_a_row() -> None:
    calls = replace(FREE, settle=Cost(cpu=0.0, wait=0.0, cpu_each=0.001))
    found = simulate(Setup(workers=16, calls=calls, worker_row=0.0, latency=0.01, ledger_cores=3, batch_rows=50))
    assert found.rows_per_second == pytest.approx(3 / 0.001, rel=0.02)
    assert found.limit == "ledger"
    assert found.ledger["settle"] == pytest.approx(3.0, rel=0.02)


def test_workers_compute_on_a_core_each() -> None:
    found = simulate(Setup(workers=3, calls=FREE, worker_row=0.002, latency=0.005))
    assert found.rows_per_second == pytest.approx(3 / 0.002, rel=0.02)
    assert found.limit == "workers"


def test_on_one_machine_workers_api_ledger_and_others_share_the_cores() -> None:
    calls = replace(FREE, settle=Cost(cpu=0.0, wait=0.0, cpu_each=0.0002))
    shared = Setup(
        workers=8, calls=calls, worker_row=0.0006, api_row=0.0002, concurrency=40, latency=0.01, shared_cores=2
    )
    found = simulate(shared)
    assert found.rows_per_second == pytest.approx(2 / 0.001, rel=0.03)
    assert found.limit == "cores"
    with_others = simulate(replace(shared, others=0.5))
    assert with_others.rows_per_second < found.rows_per_second


@pytest.mark.parametrize("windows", [False, True])
def test_a_dearer_ledger_is_never_faster(windows: bool) -> None:
    speeds = [speed(setup(workers=16, windows=windows, calls=dearer(REAL, times))) for times in (0.5, 2, 8, 32, 128)]
    # One batch more or less may fall into the time that is looked at.
    assert all(dear <= 1.01 * cheap for cheap, dear in pairwise(speeds))
    assert speeds[-1] < speeds[0] / 2


def test_more_cores_of_the_ledger_are_never_slower() -> None:
    speeds = [speed(setup(workers=16, calls=dearer(REAL, 30), ledger_cores=cores)) for cores in (1, 2, 4, 8)]
    assert all(more >= 0.99 * fewer for fewer, more in pairwise(speeds))
    assert speeds[-1] > 2 * speeds[0]


def test_the_same_is_simulated_alike() -> None:
    busy = setup(workers=20, windows=True, calls=dearer(REAL, 10))
    first, second = (simulate(busy, warm_up=1.0, seconds=4.0) for _ in range(2))
    assert isinstance(first, Outcome)
    assert first == second


def test_heartbeats_of_all_cost_by_the_square_of_the_workers_unless_they_read_nobody() -> None:
    calls = replace(FREE, renew=Cost(cpu=0.0, wait=0.0, cpu_each=1e-5))
    few, many = (
        simulate(Setup(workers=workers, calls=calls, worker_row=0.0, concurrency=1, latency=1.0))
        for workers in (20, 80)
    )
    assert many.ledger["renew"] == pytest.approx(16 * few.ledger["renew"], rel=0.1)
    flat = simulate(Setup(workers=80, calls=calls, worker_row=0.0, concurrency=1, latency=1.0, beats_grow=False))
    assert flat.ledger["renew"] == pytest.approx(many.ledger["renew"] / 80, rel=0.1)


def test_planners_that_each_plan_for_themselves_take_as_many_tries_as_there_are_of_them() -> None:
    ranges, tries = simulate_planners(setup(workers=16, most_ahead=1), seconds=10.0)
    assert 13 < tries <= 16  # some have a look while others try
    in_turn, once = simulate_planners(setup(workers=16, plans_in_turn=True), seconds=10.0)
    assert once == pytest.approx(1.0, abs=0.01)
    assert in_turn > 3 * ranges


@pytest.mark.parametrize("workers", [2, 4, 16, 64, 250])
def test_planners_of_which_those_that_came_too_late_plan_ahead_take_one_try_or_two(workers: int) -> None:
    ranges, tries = simulate_planners(setup(workers=workers), seconds=20.0)
    assert tries < 2.0
    alone, _ = simulate_planners(setup(workers=1), seconds=20.0)
    assert ranges > 0.9 * alone, "together never slower than one"


def test_a_lone_planner_plans_the_ranges_it_leases() -> None:
    assert simulate_planners(setup(workers=1), seconds=5.0) == simulate_planners(
        setup(workers=1, most_ahead=1), seconds=5.0
    )


def test_a_setup_without_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="workers is 0: it must be at least 1"):
        setup(workers=0)


def test_costs_are_read_as_they_were_kept(tmp_path: Path) -> None:
    keep(KEPT, tmp_path / "costs.json")
    assert kept(tmp_path / "costs.json") == KEPT


def test_what_holds_no_costs_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "costs.json").write_text("{}")
    with pytest.raises(ValueError, match=r"holds no costs .* -m benchmarks[.]simulation measure"):
        kept(tmp_path / "costs.json")


def test_a_log_writes_those_together_who_commit_meanwhile() -> None:
    clock = Clock()
    log, done = Log(clock, 0.010), []

    def commit(at: float) -> Steps:
        yield at
        yield from log.commit()
        done.append(round(clock.now, 6))

    for at in (0.0, 0.001, 0.002, 0.015):
        clock.start(commit(at))
    clock.run(1.0)
    assert done == [0.010, 0.020, 0.020, 0.030]


def test_a_lock_is_held_by_one_at_a_time_in_turn() -> None:
    clock = Clock()
    lock, order = Lock(clock), []

    def hold(name: int) -> Steps:
        yield from lock.take()
        order.append((name, round(clock.now, 6)))
        yield 0.5
        lock.let_go()

    for name in range(3):
        clock.start(hold(name))
    clock.run(10.0)
    assert order == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert lock.held == pytest.approx(1.5)


def test_cores_are_taken_in_turn_and_none_works_for_two() -> None:
    clock = Clock()
    cores, done = Cores(clock, 2), []

    def work(seconds: float) -> Steps:
        yield from cores.work(seconds, "work")
        done.append(round(clock.now, 3))

    for seconds in (0.1, 0.1, 0.1, 0.1):
        clock.start(work(seconds))
    clock.run(10.0)
    assert max(done) == pytest.approx(0.2, abs=0.003)
    assert cores.used["work"] == pytest.approx(0.4)


def test_calls_about_several_numbers_of_things_give_a_cost_of_each() -> None:
    found = line({10: (0.003, 0.005), 20: (0.004, 0.007), 30: (0.005, 0.009)})
    assert found.cpu == pytest.approx(0.002)
    assert found.cpu_each == pytest.approx(0.0001)
    assert found.wait == pytest.approx(0.002)
    assert found.cpu_of(40) == pytest.approx(0.006)


def test_what_is_done_besides_costs_what_it_adds() -> None:
    more = beyond((0.005, 0.009), (0.002, 0.004))
    assert (more.cpu, more.wait) == pytest.approx((0.003, 0.002))
    assert beyond((0.001, 0.001), (0.002, 0.004)) == NOTHING


def test_each_number_of_workers_has_its_line() -> None:
    outcome = simulate(setup(), warm_up=1.0, seconds=2.0)
    assert growing([(4, outcome)]).splitlines()[-1].startswith(f"| 4 | {outcome.rows_per_second:,.0f} | API |")
    assert knees({"as it is": 101, "in turn": None}).endswith("as it is: 101 workers; in turn: not up to 500.")


def test_real_planners_take_one_try_or_two_as_the_simulated_ones_do(mariadb_url: str) -> None:
    found = plans_of(mariadb_url, 8, seconds=2.0)
    _, tries = simulate_planners(setup(workers=8), seconds=10.0)
    assert max(found.tries, tries) < 3.0  # each for itself alone: 8
    assert found.walked >= 1.0


def test_of_two_measurements_the_cheaper_of_each_call_counts() -> None:
    dear = replace(KEPT, calls={"mariadb": replace(dearer(REAL, 2), plan=NOTHING)}, commit=9.0)
    found = least(dear, replace(KEPT, calls={"mariadb": REAL}, machine="now"))
    assert found.calls["mariadb"] == replace(REAL, plan=NOTHING)
    assert (found.commit, found.machine) == (KEPT.commit, "now")

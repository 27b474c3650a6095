"""What `concurrency: auto` promises, against a simulated API in a time of its own: no test here waits for anything."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

import pytest
from tests.pacing.simulation import (
    MOST,
    NETWORK,
    Api,
    Simulation,
    Work,
    exponential,
    mean_of,
    quantile_of,
    steady,
    two_kinds,
)

from penstock.pacing.limits import AdaptiveLimit

SETTLED = 60.0  # seconds within which it has found what the API bears
FOLLOWED = 5.0  # seconds within which it has followed a drop
# Servers, and seconds that each takes. Together they answer no faster than a worker can send.
APIS = [
    (servers, latency) for servers in (4, 16, 64, 200) for latency in (0.005, 0.02, 0.2) if servers / latency <= 20_000
]
DROPPING = [(40, 0.005), (40, 0.02), (200, 0.02), (200, 0.2)]


def best(api: Api, now: float = 0.0) -> float:
    """Requests a second with as many on the wire as are worked on at once. One that rejects cannot be kept busier: the next
    request may not wait before its door."""
    seconds = mean_of(api.work, now) + (NETWORK if api.rejects else 0.0)
    return api.servers / seconds


def run(api: Api, seconds: float, *, workers: int = 1) -> Simulation:
    simulation = Simulation(api)
    for _ in range(workers):
        simulation.join()
    simulation.run(seconds)
    return simulation


def until(api: Api, answers: int) -> float:
    """Seconds after which so many answers have come; what settles sooner than it must need not be watched for so long."""
    return min(SETTLED + 30.0, max(20.0, answers / best(api)))


# The goal: within 60 s at least 95 % of the best throughput, with p99 at most twice the unloaded one.


@pytest.mark.parametrize(("servers", "latency"), APIS)
def test_it_finds_what_the_api_bears(servers: int, latency: float) -> None:
    api = Api(servers, steady(latency))
    end = until(api, 60_000)
    simulation = run(api, end)
    began = min(SETTLED, end / 3)
    assert simulation.throughput(began, end) >= 0.95 * best(api)
    assert simulation.latency(began, end, 0.99) <= 2 * quantile_of(api.work, 0.99)
    # So few are queued that even against the mean, noise and all, it is hardly more than twice.
    assert simulation.latency(began, end, 0.99) <= 2.15 * mean_of(api.work)


@pytest.mark.parametrize("servers", [4, 16, 64, 200])
@pytest.mark.parametrize(
    "work",
    [steady(0.02, 0.3), exponential(0.02), two_kinds(0.02), steady(0.2, 0.3)],
    ids=["noisy", "exponential", "two kinds of requests", "slow and noisy"],
)
def test_it_finds_it_through_noise(servers: int, work: Work) -> None:
    api = Api(servers, work)
    end = until(api, 60_000)
    simulation = run(api, end)
    began = min(SETTLED, end / 2)
    # Where answers differ by more than their mean, a few of them say little.
    wild = work(Random(1), 0.0) == work(Random(1), 0.0) and quantile_of(work, 0.99) > 3 * mean_of(work)
    assert simulation.throughput(began, end) >= (0.85 if wild and servers == 4 else 0.95) * best(api)
    assert simulation.latency(began, end, 0.99) <= 2 * quantile_of(api.work, 0.99)


@pytest.mark.parametrize(("servers", "latency"), APIS)
def test_where_the_api_rejects_it_stays_below_and_hardly_ever_asks_for_more(servers: int, latency: float) -> None:
    api = Api(servers, steady(latency), rejects=True)
    end = until(api, 60_000)
    simulation = run(api, end)
    began = min(SETTLED, 0.6 * end)
    assert simulation.throughput(began, end) >= 0.95 * best(api)
    assert simulation.errors(0.0, began) <= 0.5 * servers + 20
    # One in two seconds, or one in two thousand where answers are many.
    assert simulation.errors(began, end) <= max(
        1 + (end - began) / 2, simulation.throughput(began, end) * (end - began) / 2000
    )


@pytest.mark.parametrize("servers", [1, 2])
def test_an_api_that_serves_one_after_the_other_gets_one_more_than_it_serves(servers: int) -> None:
    api = Api(servers, steady(0.05))
    simulation = run(api, 40.0)
    assert simulation.throughput(20.0, 40.0) >= 0.99 * best(api)
    assert max(ended.latency for ended in simulation.answers(20.0, 40.0)) < 0.05 * 3


# A drop to a tenth.


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("servers", "latency"), DROPPING)
def test_h54_a_drop_to_a_tenth_is_followed_within_five_seconds(servers: int, latency: float, workers: int) -> None:
    api = Api(servers, steady(latency))
    at = until(api, 40_000)
    simulation = run(api, at, workers=workers)
    api.servers //= 10
    simulation.run(at + FOLLOWED)
    assert simulation.in_flight <= 2 * api.servers
    simulation.run(at + 30.0)
    after = at + 2 * FOLLOWED  # what was queued before is answered by now
    assert simulation.throughput(at + FOLLOWED, at + 30.0) >= 0.9 * best(api)
    assert simulation.latency(after, at + 30.0, 0.99) <= 2.15 * quantile_of(api.work, 0.99)
    assert simulation.errors(at, at + 30.0) == 0


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("servers", "latency"), DROPPING)
def test_a_drop_of_an_api_that_rejects_brings_no_burst_of_errors(servers: int, latency: float, workers: int) -> None:
    api = Api(servers, steady(latency), rejects=True)
    at = until(api, 40_000)
    simulation = run(api, at, workers=workers)
    on_the_wire = simulation.in_flight
    api.servers //= 10
    simulation.run(at + 30.0)
    # Hardly more than was on the wire when it came, and hardly any once it is followed.
    assert simulation.errors(at, at + FOLLOWED) <= 1.25 * on_the_wire
    assert simulation.errors(at + FOLLOWED, at + 30.0) <= 30 * workers
    assert simulation.throughput(at + FOLLOWED, at + 30.0) >= 0.9 * best(api)


def test_two_workers_that_may_have_but_one_request_between_them_do_not_hammer() -> None:
    api = Api(16, steady(0.02), rejects=True)
    simulation = run(api, 20.0, workers=2)
    api.servers = 1
    simulation.run(50.0)
    assert simulation.errors(20.0, 50.0) < 60
    assert simulation.throughput(30.0, 50.0) >= 0.95 * best(api)


# Growth, and an API that becomes slower or faster itself.


@pytest.mark.parametrize("rejects", [False, True])
def test_what_more_the_api_bears_is_found(rejects: bool) -> None:
    api = Api(6, steady(0.02), rejects=rejects)
    simulation = run(api, 40.0)
    api.servers = 64
    simulation.run(60.0)
    assert simulation.throughput(55.0, 60.0) >= 0.95 * best(api)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("factor", [0.5, 2.0, 4.0])
def test_an_api_whose_every_answer_takes_longer_or_less_from_now_on_is_known_anew(factor: float, workers: int) -> None:
    at = 24.0
    usual = steady(0.02)
    api = Api(32, lambda random, now: usual(random, now) * (factor if now > at else 1.0))
    simulation = run(api, 80.0, workers=workers)
    assert simulation.throughput(70.0, 80.0) >= 0.95 * best(api, now=70.0)
    assert simulation.latency(70.0, 80.0, 0.99) <= 2 * quantile_of(api.work, 0.99, now=70.0)


def test_slow_first_answers_of_cold_caches_are_not_taken_for_the_usual() -> None:
    usual = steady(0.02)
    api = Api(32, lambda random, now: usual(random, now) * (1 + 9 * math.exp(-now / 2)))
    simulation = run(api, 40.0)
    assert simulation.throughput(20.0, 40.0) >= 0.95 * best(api, now=40.0)
    assert simulation.latency(20.0, 40.0, 0.99) <= 2 * quantile_of(api.work, 0.99, now=40.0)


# What is no sign of more or less room.


def test_a_source_that_is_slow_does_not_let_the_limit_run_away() -> None:
    api = Api(64, steady(0.02))
    simulation = Simulation(api, most_in_flight=5)
    worker = simulation.join()
    simulation.run(30.0)
    assert worker.pace.concurrency <= 10
    simulation.most_in_flight = math.inf
    simulation.run(40.0)
    assert simulation.throughput(35.0, 40.0) >= 0.95 * best(api)


@pytest.mark.parametrize("share", [0.005, 0.02, 0.05])
def test_answers_that_break_now_and_then_whatever_is_on_the_wire_cost_no_speed(share: float) -> None:
    api = Api(64, steady(0.02), breaks=lambda busy: share)
    simulation = run(api, 30.0)
    assert simulation.throughput(10.0, 30.0) >= 0.95 * (1 - share) * best(api)


def test_an_api_that_breaks_under_more_than_it_bears_is_kept_below() -> None:
    api = Api(1000, steady(0.02), breaks=lambda busy: float(busy > 64))
    simulation = run(api, 40.0)
    answers = sum(1 for _ in simulation.answers(10.0, 40.0))
    assert simulation.errors(10.0, 40.0) <= 0.01 * answers
    assert simulation.throughput(10.0, 40.0) >= 0.6 * 64 / 0.02


# Several workers.


def test_workers_that_come_and_go_share_what_the_api_bears() -> None:
    api = Api(64, steady(0.02))
    simulation = run(api, 20.0)
    [first] = simulation.workers
    simulation.join()
    simulation.run(60.0)
    assert share_of_the_busiest(simulation, 50.0, 60.0) <= 0.6
    simulation.join()
    simulation.run(100.0)
    assert share_of_the_busiest(simulation, 90.0, 100.0) <= 0.45
    first.is_gone = True
    simulation.run(130.0)
    for began, end in pairwise((30.0, 50.0, 60.0, 80.0, 100.0, 105.0, 130.0)):
        assert simulation.throughput(began, end) >= 0.95 * best(api)
        assert simulation.latency(began, end, 0.99) <= 2 * quantile_of(api.work, 0.99)


def share_of_the_busiest(simulation: Simulation, began: float, end: float) -> float:
    answers = [ended.worker for ended in simulation.answers(began, end)]
    return max(answers.count(worker.number) for worker in simulation.workers) / len(answers)


def test_many_workers_that_begin_together_do_not_take_one_anothers_queue_for_the_api() -> None:
    api = Api(40, steady(0.02))
    simulation = run(api, 60.0, workers=8)
    assert simulation.throughput(30.0, 60.0) >= 0.95 * best(api)
    assert simulation.latency(30.0, 60.0, 0.99) <= 2 * quantile_of(api.work, 0.99)


def test_the_rate_of_the_job_bounds_auto_too() -> None:
    simulation = Simulation(Api(64, steady(0.02)), rate=500.0)
    simulation.join()
    simulation.join()
    simulation.run(20.0)
    assert 0.95 * 500 <= simulation.throughput(5.0, 20.0) <= 1.05 * 500


# The edges.


def test_it_begins_with_one() -> None:
    assert AdaptiveLimit(MOST).value == 1


def test_it_never_goes_beyond_its_most() -> None:
    simulation = Simulation(Api(1000, steady(0.02)))
    worker = simulation.join()
    for _ in range(20):
        simulation.run(simulation.now + 0.5)
        assert worker.pace.concurrency <= MOST
    assert worker.pace.concurrency == MOST


def test_it_never_falls_below_one() -> None:
    limit = AdaptiveLimit(MOST)
    for second in range(100):
        limit.throttled(second - 0.5, 1, float(second))
        limit.failed(second - 0.5, 1, float(second))
    assert limit.value == 1


def test_an_answer_that_took_no_time_at_all_harms_nothing() -> None:
    limit = AdaptiveLimit(MOST)
    for tick in range(100_000):
        limit.answered(0.0, limit.value, tick / 1000)
    assert 1 <= limit.value <= MOST

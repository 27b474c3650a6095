"""Of a broker's URL nothing is ever shown that may be a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import JobError
from penstock.transport.address import read_address
from penstock.transport.link import pause_before
from penstock.transport.topology import refuse_old, topology_of


@pytest.mark.parametrize(
    ("url", "shown", "vhost", "user"),
    [
        ("amqp://me:canary@host/", "amqp://host:5672", "/", "me"),
        ("amqp://me:canary@host:17672", "amqp://host:17672", "/", "me"),
        ("amqps://m%40e:c%2Fanary@host/a%2Fb", "amqps://host:5671", "a/b", "m@e"),
        ("amqp://[::1]/shop", "amqp://[::1]:5672", "shop", "guest"),
    ],
)
def test_a_url_is_read(url: str, shown: str, vhost: str, user: str) -> None:
    address = read_address(url)
    assert (str(address), address.vhost, address.user) == (shown, vhost, user)
    assert "anary" not in repr(address)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://me:canary@host/", "does not begin with amqp://"),
        ("canary", "does not begin with amqp://"),
        ("amqp:///canary", "names no host"),
        ("amqp://me:ca#nary@host/", "cannot be read"),
        ("amqp://me:1#canary@host/", "#"),
        ("amqp://me:1/canary@host/", "%2F"),
        ("amqp://me:1/canary@host", "%40"),
        ("amqp://me:1?canary@host", "%3F"),
        ("amqp://host:canary/", "cannot be read"),
        ("amqp://host/?no_verify_ssl=canary", "'no_verify_ssl'"),
        ("amqp://host/?cafile=canary", "amqps://"),
    ],
)
def test_a_url_that_is_none_is_refused_without_a_word_of_it(url: str, words: str) -> None:
    with pytest.raises(JobError, match="the broker's URL") as refused:
        read_address(url)
    assert words in str(refused.value)
    assert "canary" not in f"{refused.value!r} {refused.value.__cause__!r}"


def test_a_ca_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"cafile=.*ca\.pem, and there is no such file"):
        read_address(f"amqps://host/?cafile={tmp_path}/ca.pem")


def test_queues_are_named_by_job_and_secret_and_do_not_tell_the_secret() -> None:
    topology = topology_of("orders", b"secret")
    assert (topology.queue, topology.dead) == ("penstock.orders.2bb80d53", "penstock.orders.2bb80d53.dead")
    assert topology_of("orders", b"another").queue != topology.queue


def test_b4_a_rabbitmq_that_may_lose_dead_letters_is_refused() -> None:
    with pytest.raises(JobError, match=r"amqp://host:5672 is RabbitMQ 3\.9\.27.*use 3\.10 or newer"):
        refuse_old({"product": "RabbitMQ", "version": "3.9.27"}, "amqp://host:5672")
    refuse_old({"product": "RabbitMQ", "version": "3.10.0"}, "amqp://host:5672")
    refuse_old({"product": "RabbitMQ", "version": "4.1.1"}, "amqp://host:5672")
    refuse_old({"product": "Another", "version": "1.2"}, "amqp://host:5672")


def test_pauses_between_tries_grow_to_five_seconds_and_are_drawn_from_all_below() -> None:
    pauses = {attempt: [pause_before(attempt) for _ in range(300)] for attempt in (1, 4, 40)}
    assert [max(pauses[attempt]) <= most for attempt, most in ((1, 0.1), (4, 0.8), (40, 5.0))] == [True] * 3
    assert min(pauses[40]) < 1
    assert max(pauses[40]) > 4

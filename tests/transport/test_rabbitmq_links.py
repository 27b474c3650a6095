"""RabbitMQ hands out the numbers of ranges over connections that break: what was confirmed comes, what is taken stays so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from tests.transport.amqp_proxy import ACK, AmqpProxy, amqp_proxy, nothing
from tests.transport.brokers import (
    PATIENCE,
    QUEUE,
    a_channel,
    is_all_acknowledged,
    opened,
    until_taken,
    until_trouble,
    until_well,
)

from penstock.transport.base import Message


@pytest.fixture
async def proxy(amqp_url: str) -> AsyncIterator[AmqpProxy]:
    async with amqp_proxy(amqp_url) as proxy:
        yield proxy


async def test_b1_a_broker_that_is_down_at_the_start_is_waited_for(proxy: AmqpProxy) -> None:
    proxy.is_shut = True
    async with opened(proxy.url) as broker:
        assert broker.trouble.startswith(f"the broker at amqp://127.0.0.1:{proxy.port} does not answer (")
        assert broker.trouble.endswith("): ranges are found in the ledger meanwhile")
        began = time.monotonic()
        assert await broker.take(60) is None
        assert 0.19 < time.monotonic() - began < 30  # neither at once, nor as long as if something might come
        assert await broker.depth() is None
        proxy.is_shut = False
        await until_well(broker)
        assert await broker.publish([1]) == 1
        assert await broker.take(PATIENCE) == 1


async def test_b1_what_cannot_be_published_is_given_up_and_not_raised(proxy: AmqpProxy) -> None:
    proxy.is_shut = True
    async with opened(proxy.url) as broker:
        assert await broker.publish([1]) == 0
        assert await broker.publish_to("news", [Message("1", "a", b"1")]) == 0


async def test_b3_a_lost_confirmation_is_published_again_and_the_number_given_once(
    proxy: AmqpProxy, amqp_url: str
) -> None:
    async with opened(proxy.url) as broker:
        proxy.loses = lambda frame: frame.method == ACK
        assert await broker.publish([1]) == 0
        assert "nothing was heard in time" in broker.trouble
        assert proxy.lost == 1
        proxy.loses = nothing
        assert await broker.publish([1, 2]) == 2
        assert broker.trouble == ""
        assert [await broker.take(PATIENCE), await broker.take(PATIENCE)] == [1, 2]
        broker.done(1)
        broker.done(2)
    assert await is_all_acknowledged(amqp_url)


async def test_b3_a_returned_message_is_not_confirmed_and_the_queue_is_made_again(
    proxy: AmqpProxy, amqp_url: str
) -> None:
    async with opened(proxy.url) as broker:
        proxy.is_shut = True  # whoever notices cannot come back and declare it
        async with a_channel(amqp_url) as channel:
            await channel.queue_delete(QUEUE)
        await until_trouble(broker, lambda trouble: "(the queue was deleted)" in trouble)
        assert await broker.publish([1]) == 0
        proxy.is_shut = False
        assert await broker.publish([1]) == 1
        assert broker.trouble == "" or "(the queue was deleted)" in broker.trouble
        assert await until_taken(broker) == 1


async def test_b6_a_reset_before_the_acknowledgement_brings_the_message_back(proxy: AmqpProxy, amqp_url: str) -> None:
    async with opened(proxy.url) as broker:
        await broker.publish([1])
        assert await broker.take(PATIENCE) == 1
        proxy.resets = lambda frame: frame.method == ACK
        broker.done(1)
        await until_trouble(broker, lambda trouble: trouble != "")
        proxy.resets = nothing
        assert await until_taken(broker) == 1
        broker.done(1)
        await until_well(broker)
    assert await is_all_acknowledged(amqp_url)


async def test_b6_what_is_taken_stays_taken_and_is_acknowledged_on_the_new_channel(
    proxy: AmqpProxy, amqp_url: str
) -> None:
    """On the new channel the same tags may mean other messages. What was not taken is nobody's while the broker is away."""
    async with opened(proxy.url, prefetch=2) as broker:
        await broker.publish([1, 2])
        assert await broker.take(PATIENCE) == 1
        await broker.wait()
        proxy.is_shut = True
        proxy.cut()
        async with asyncio.timeout(PATIENCE):
            while await broker.depth() is not None:
                pass
        await until_trouble(broker, lambda trouble: trouble != "")
        proxy.is_shut = False
        assert await until_taken(broker) == 2
        broker.done(1)
    async with opened(amqp_url) as other:
        assert await other.take(PATIENCE) == 2
        other.done(2)
    assert await is_all_acknowledged(amqp_url)


async def test_b12_b14_behind_a_dead_link_a_number_goes_to_another_worker_and_the_first_comes_back(
    proxy: AmqpProxy, amqp_url: str
) -> None:
    async with opened(proxy.url, heartbeat=1) as first, opened(amqp_url) as second:
        await second.publish([1, 2])
        taken = {await first.take(PATIENCE), await second.take(PATIENCE)}
        assert taken == {1, 2}
        proxy.is_deaf = True
        async with asyncio.timeout(PATIENCE):
            assert await second.take(PATIENCE) in taken
        await until_trouble(first, lambda trouble: trouble != "")
        proxy.is_deaf = False
        proxy.cut()
        await until_well(first)
        await first.publish([3])
        assert 3 in {await first.take(5), await second.take(5)}

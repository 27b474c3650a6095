"""RabbitMQ hands out the numbers of ranges from a node that is killed, starved, emptied, or has no patience."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.transport.brokers import (
    JOB,
    PATIENCE,
    QUEUE,
    SECRET,
    is_all_acknowledged,
    opened,
    send,
    until_taken,
    until_trouble,
    until_well,
)
from tests.transport.own_rabbitmq import OwnRabbitmq, own_rabbitmq

from penstock.transport import dead_letters


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRabbitmq]:
    """One for all tests of this file: Erlang takes seconds to start."""
    with own_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as node:
        yield node


@pytest.fixture(autouse=True)
def _emptied(node: OwnRabbitmq) -> Iterator[None]:
    yield
    node.steer("delete_queue", QUEUE)


@contextmanager
def steered(node: OwnRabbitmq, *words: str, back: tuple[str, ...]) -> Iterator[None]:
    node.steer(*words)
    try:
        yield
    finally:
        node.steer(*back)


async def test_b2_a_killed_broker_comes_back_with_everything(node: OwnRabbitmq) -> None:
    async with opened(node.url):
        pass
    await asyncio.to_thread(node.restart)
    async with opened(node.url, prefetch=1) as broker:
        assert await broker.publish([1, 2, 3]) == 3
        assert await broker.take(PATIENCE) == 1
        await asyncio.to_thread(node.kill)
        await until_trouble(broker, lambda trouble: "Connection refused" in trouble)
        broker.done(1)  # nobody hears it
        await asyncio.to_thread(node.start)
        again: list[int | None] = [await until_taken(broker)]  # in whatever order it hands them out now
        for _ in range(2):
            broker.done(again[-1] or 0)
            again.append(await broker.take(PATIENCE))
        assert sorted(number or 0 for number in again) == [1, 2, 3]
        broker.done(again[-1] or 0)
        await until_well(broker)
    assert await is_all_acknowledged(node.url)


async def test_b7_a_message_that_is_held_too_long_for_the_broker_stays_taken(node: OwnRabbitmq) -> None:
    limit = "eval", "application:set_env(rabbit, consumer_timeout, {})."
    with steered(node, limit[0], limit[1].format(1000), back=(limit[0], limit[1].format(1_800_000))):
        async with opened(node.url) as broker:
            await broker.publish([1])
            assert await broker.take(PATIENCE) == 1
            told = await until_trouble(broker, lambda trouble: trouble != "")
            assert "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out" in told
            await until_well(broker)
            broker.done(1)
        assert await is_all_acknowledged(node.url)


async def test_b11_a_broker_that_is_short_of_memory_takes_nothing_and_still_hands_out(node: OwnRabbitmq) -> None:
    async with opened(node.url, prefetch=1) as broker:
        await broker.publish([1])
        await send(node.url, b"junk")
        await broker.publish([2])
        with steered(node, "set_vm_memory_high_watermark", "0.0001", back=("set_vm_memory_high_watermark", "0.4")):
            assert await broker.publish([3]) == 0
            assert broker.trouble == (
                f"the broker at amqp://127.0.0.1:{node.port} blocks publishers (it is short of memory or disk): "
                "ranges are found in the ledger meanwhile"
            )
            for range_no in (1, 2):
                assert await broker.take(PATIENCE) == range_no
                broker.done(range_no)
        assert await dead_letters.count(node.url, JOB, SECRET) == 1  # put aside by the broker itself
        assert await broker.publish([5]) == 1
        assert broker.trouble == ""
        while await until_taken(broker) != 5:  # 3 was on the way, and may have arrived
            broker.done(3)


async def test_b15_a_queue_that_somebody_emptied_or_deleted_is_filled_again(node: OwnRabbitmq) -> None:
    async with opened(node.url, prefetch=1) as broker:
        await broker.publish([1, 2, 3])
        assert await broker.take(PATIENCE) == 1
        assert await broker.depth() == 2
        await asyncio.to_thread(node.steer, "purge_queue", QUEUE)
        assert await broker.depth() == 0
        broker.done(1)
        await broker.publish([2])
        assert await broker.take(PATIENCE) == 2
        await asyncio.to_thread(node.steer, "delete_queue", QUEUE)
        broker.done(2)
        async with asyncio.timeout(PATIENCE):
            while await broker.publish([3]) == 0:
                pass
        assert await until_taken(broker) == 3
        await until_well(broker)

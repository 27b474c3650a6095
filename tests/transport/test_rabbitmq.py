"""RabbitMQ hands out the numbers of ranges: what one worker, or two, see of a server that is well."""

from __future__ import annotations

from penstock.transport.rabbitmq import open_broker

SECRET = b"canary-of-this-job"
PATIENCE = 20.0  # seconds after which something that should have come will not come any more


async def test_numbers_are_taken_in_the_order_in_which_they_were_published(amqp_url: str) -> None:
    broker = await open_broker(amqp_url, "orders", SECRET, prefetch=10)
    try:
        assert await broker.publish([3, 1, 2]) == 3
        assert [await broker.take(PATIENCE) for _ in range(3)] == [3, 1, 2]
        assert await broker.take(0.1) is None
        assert broker.trouble == ""
        for range_no in (1, 2, 3):
            broker.done(range_no)
    finally:
        await broker.aclose()
    broker = await open_broker(amqp_url, "orders", SECRET, prefetch=10)
    assert await broker.depth() == 0
    await broker.aclose()

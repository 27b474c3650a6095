"""RabbitMQ hands out the numbers of ranges: what workers see of a server that is well."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from datetime import UTC, datetime

import aio_pika
import pytest
from aiormq.abc import ChannelFrame
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.common import FieldValue
from pamqp.header import ContentHeader
from tests.transport.brokers import (
    DEAD,
    JOB,
    PATIENCE,
    QUEUE,
    SECRET,
    a_channel,
    is_all_acknowledged,
    opened,
    send,
    until_taken,
)

from penstock.errors import JobError
from penstock.transport import dead_letters
from penstock.transport.base import Message
from penstock.transport.messages import REASON, SIGNATURE, Messages


async def test_numbers_are_taken_in_the_order_in_which_they_were_published(amqp_url: str) -> None:
    async with opened(amqp_url) as broker:
        assert await broker.publish([3, 1, 2]) == 3
        assert [await broker.take(PATIENCE) for _ in range(3)] == [3, 1, 2]
        assert await broker.take(0.1) is None
        assert broker.trouble == ""


async def test_what_is_done_is_not_handed_out_again_and_the_rest_is(amqp_url: str) -> None:
    async with opened(amqp_url) as broker:
        await broker.publish([1, 2])
        assert [await broker.take(PATIENCE) for _ in range(2)] == [1, 2]
        broker.done(1)
        broker.done(1)
        broker.done(7)
    async with opened(amqp_url) as broker:
        assert await broker.take(PATIENCE) == 2
        broker.done(2)
    assert await is_all_acknowledged(amqp_url)


async def test_a_worker_is_given_no_more_than_it_asked_for(amqp_url: str) -> None:
    async with opened(amqp_url, prefetch=2) as first:
        await first.publish([1, 2, 3])
        assert await first.take(PATIENCE) == 1
        assert await first.take(PATIENCE) == 2
        assert await first.depth() == 1
        async with opened(amqp_url) as second:
            assert await second.take(PATIENCE) == 3


async def test_waiting_ends_when_a_number_has_come_and_leaves_it_there(amqp_url: str) -> None:
    async with opened(amqp_url) as broker, asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(broker.wait())
        assert await broker.take(0.1) is None
        assert not waiting.done()
        await broker.publish([5])
        await waiting
        await broker.wait()
        assert await broker.take(PATIENCE) == 5


async def test_a_thousand_numbers_are_confirmed_and_all_come(amqp_url: str) -> None:
    async with opened(amqp_url) as broker:
        assert await broker.publish(range(1, 1001)) == 1000
        taken: list[int] = []
        while len(taken) < 1000:
            range_no = await broker.take(PATIENCE)
            assert range_no is not None
            broker.done(range_no)
            taken.append(range_no)
    assert taken == list(range(1, 1001))
    assert await is_all_acknowledged(amqp_url)


async def test_many_workers_may_begin_at_once(amqp_url: str) -> None:
    """Each of them declares the same two queues."""

    async def work() -> None:
        async with opened(amqp_url) as broker:
            assert broker.trouble == ""

    await asyncio.gather(*[work() for _ in range(10)])


async def test_b5_the_same_number_published_twice_is_given_to_one_worker_once_and_to_two_each(amqp_url: str) -> None:
    async with opened(amqp_url, prefetch=1) as first, opened(amqp_url, prefetch=1) as second:
        assert await first.publish([9, 9]) == 2
        assert [await first.take(PATIENCE), await second.take(PATIENCE)] == [9, 9]
        first.done(9)
        second.done(9)
    async with opened(amqp_url) as only:
        await only.publish([9, 9])
        assert await only.take(PATIENCE) == 9
        await only.publish([10])
        assert await only.take(PATIENCE) == 10  # so the second 9 has come before
        only.done(9)
        only.done(10)
    assert await is_all_acknowledged(amqp_url)


@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "quorum"}, {"x-queue-type": "classic"}])
@pytest.mark.parametrize("queue", [QUEUE, DEAD])
async def test_b4_a_queue_of_that_name_that_may_lose_messages_is_refused(
    amqp_url: str, queue: str, arguments: dict[str, object]
) -> None:
    durable = arguments.get("x-queue-type") == "quorum"
    async with a_channel(amqp_url) as channel:
        await channel.declare_queue(queue, durable=durable, arguments=arguments)  # type: ignore[arg-type]
    with pytest.raises(JobError, match=rf"{QUEUE}.*PRECONDITION_FAILED.*rabbitmqctl delete_queue -p penstock_test_"):
        async with opened(amqp_url):
            pass


async def test_b4_messages_are_persistent(amqp_url: str) -> None:
    async with opened(amqp_url, prefetch=1) as broker:
        await broker.publish([1, 2])
        assert await broker.take(PATIENCE) == 1
        async with a_channel(amqp_url) as channel:
            message = await (await channel.get_queue(QUEUE)).get()
    assert message.delivery_mode is aio_pika.DeliveryMode.PERSISTENT
    assert message.content_type == "application/json"


async def test_b8_a_number_that_comes_back_too_often_is_put_aside_and_back_by_a_person(amqp_url: str) -> None:
    for life in range(3):
        async with opened(amqp_url, delivery_limit=2) as dies:
            await dies.publish([4] if life == 0 else [])
            assert await dies.take(PATIENCE) == 4
    async with opened(amqp_url, delivery_limit=2) as broker:
        async with asyncio.timeout(PATIENCE):
            while await dead_letters.count(amqp_url, JOB, SECRET) == 0:
                assert await broker.take(0.1) is None
        assert await dead_letters.put_back(amqp_url, JOB, SECRET, tell=pytest.fail) == (1, 0)
        assert await broker.take(PATIENCE) == 4
        broker.done(4)
    assert await dead_letters.count(amqp_url, JOB, SECRET) == 0
    assert await is_all_acknowledged(amqp_url, delivery_limit=2)


async def test_dead_letters_of_a_job_that_has_no_queue_yet_are_none(amqp_url: str) -> None:
    assert await dead_letters.count(amqp_url, JOB, SECRET) == 0
    assert await dead_letters.put_back(amqp_url, JOB, SECRET, tell=pytest.fail) == (0, 0)


FOREIGN = Messages(JOB, b"another secret").write(1, queue=QUEUE)
JUNK = {
    "unsigned": (b'{"v":1,"job":"orders","range":1}', {}, "it is not signed"),
    "foreign": (FOREIGN.body, dict(FOREIGN.headers), "its signature was not made with this job's secret"),
    "pickle": (b"\x80\x04\x95canary-row", {}, "it is not signed"),
    "large": (b"x" * 200_000, {}, "it has 200,000 bytes, and 4,096 at the most are read"),
}


@pytest.mark.parametrize("kind", JUNK)
async def test_b10_b17_junk_is_put_aside_with_its_reason_and_the_worker_goes_on(amqp_url: str, kind: str) -> None:
    body, headers, reason = JUNK[kind]
    async with opened(amqp_url, prefetch=1) as broker:
        await send(amqp_url, body, headers)
        await broker.publish([1])
        assert await broker.take(PATIENCE) == 1
        broker.done(1)
    async with a_channel(amqp_url) as channel:
        message = await (await channel.get_queue(DEAD)).get()
        assert message.headers[REASON] == reason
        assert message.headers.get(SIGNATURE) == headers.get(SIGNATURE)
        assert message.body == body[:4096]
        await message.nack(requeue=True)
    for _ in range(200):
        if await dead_letters.count(amqp_url, JOB, SECRET):
            break
        await asyncio.sleep(0.05)  # nobody confirms that it is back
    told: list[str] = []
    assert await dead_letters.put_back(amqp_url, JOB, SECRET, tell=told.append) == (0, 1)
    assert len(told) == 1
    assert await dead_letters.count(amqp_url, JOB, SECRET) == 0
    assert await is_all_acknowledged(amqp_url)


async def test_b17_headers_that_no_worker_would_send_are_junk(amqp_url: str) -> None:
    async with opened(amqp_url, prefetch=1) as broker, a_channel(amqp_url) as channel:
        raw = await channel.get_underlay_channel()
        headers: dict[str, FieldValue] = {SIGNATURE: [1, {"a": None}], REASON: "mine"}
        await raw.basic_publish(b"", routing_key=QUEUE, properties=Basic.Properties(headers=headers))
        await broker.publish([1])
        assert await broker.take(PATIENCE) == 1
    assert await dead_letters.count(amqp_url, JOB, SECRET) == 1


async def test_b17_a_message_that_the_library_cannot_read_is_put_aside_by_the_broker(amqp_url: str) -> None:
    """Its time is in no calendar. Each time that it comes the connection breaks, and comes back."""
    async with opened(amqp_url, prefetch=1, delivery_limit=2) as broker, a_channel(amqp_url) as channel:
        raw = await channel.get_underlay_channel()
        header = frame.marshal(
            ContentHeader(0, 1, Basic.Properties(timestamp=datetime(2020, 1, 1, tzinfo=UTC))), raw.number
        )
        known = struct.pack(">Q", int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()))
        poison = [
            frame.marshal(Basic.Publish(exchange="", routing_key=QUEUE), raw.number),
            header.replace(known, b"\xff" * 8),
            frame.marshal(ContentBody(b"x"), raw.number),
        ]
        await raw.connection.write_queue.put(
            ChannelFrame(payload=b"".join(poison), should_close=False, drain_future=None)
        )
        assert await broker.take(PATIENCE) is None  # the connection has broken
        assert broker.trouble != ""
        async with asyncio.timeout(PATIENCE):
            while await dead_letters.count(amqp_url, JOB, SECRET) == 0:
                await broker.take(0.1)
            while await broker.publish([1]) == 0:
                pass
        assert await until_taken(broker) == 1


async def test_b16_a_full_queue_takes_no_more_and_says_so_and_is_published_to_again(amqp_url: str) -> None:
    async with opened(amqp_url, prefetch=1, max_length=5) as broker:
        confirmed = 0
        while confirmed < 20 and await broker.publish([confirmed + 1]):
            confirmed += 1
        assert 5 <= confirmed < 20
        assert await broker.publish([99]) == 0
        assert "the queue is full" in broker.trouble
        for range_no in range(1, confirmed + 1):
            assert await broker.take(PATIENCE) == range_no
            broker.done(range_no)
        async with asyncio.timeout(PATIENCE):
            while await broker.publish([99]) == 0:
                await broker.take(0.1)
        assert broker.trouble == ""
        assert await broker.take(PATIENCE) == 99


async def test_messages_of_another_kind_go_to_an_exchange(amqp_url: str) -> None:
    async with opened(amqp_url) as broker, a_channel(amqp_url) as channel:
        exchange = await channel.declare_exchange("news", "direct", durable=True)
        queue = await channel.declare_queue("reader", durable=True)
        await queue.bind(exchange, "imported")
        messages = [
            Message("first", "imported", b"1"),
            Message("second", "nobody reads this", b"2"),
            Message("third", "imported", b"3"),
        ]
        assert await broker.publish_to("news", messages) == 3
        found = [await queue.get(), await queue.get()]
        assert [message.body for message in found] == [b"1", b"3"]
        assert [message.message_id for message in found] == ["first", "third"]
        assert found[0].content_type == "application/json"
        assert found[0].delivery_mode is aio_pika.DeliveryMode.PERSISTENT


async def test_an_exchange_that_is_not_there_is_named_and_nothing_else_suffers(amqp_url: str) -> None:
    async with opened(amqp_url) as broker:
        with pytest.raises(JobError, match=r"exchange 'nowhere' .*NOT_FOUND.*declare it"):
            await broker.publish_to("nowhere", [Message("1", "a", b"1")])
        with pytest.raises(JobError, match=r"exchange 'nowhere' .*NOT_FOUND.*declare it"):
            await broker.publish_to("nowhere", [])
        assert broker.trouble == ""
        assert await broker.publish([1]) == 1


def test_without_aio_pika_it_is_told_what_to_install() -> None:
    """None in sys.modules: as if it were not there."""
    program = "import sys; sys.modules['aio_pika'] = None; import penstock.transport.rabbitmq"
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert "JobError: RabbitMQ is spoken to by aio-pika" in ended.stderr
    assert "pip install 'penstock[rabbitmq]'" in ended.stderr

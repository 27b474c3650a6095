"""Who may log in, where to, and what for: what is missing is named, with the line to type, and the password is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from tests.transport.brokers import JOB, PATIENCE, SECRET, opened, send
from tests.transport.management import Management

from penstock.errors import BrokerUnreachable, JobError, PenstockError
from penstock.transport import dead_letters
from penstock.transport.rabbitmq import open_broker

PASSWORD = "canary-password"


@pytest.fixture
async def guest(amqp: str) -> AsyncIterator[str]:
    """A new user without any rights."""
    name = f"penstock_test_{uuid4().hex[:12]}"
    await asyncio.to_thread(Management(amqp).put, "users", name, password=PASSWORD, tags="")
    yield name
    await asyncio.to_thread(Management(amqp).delete, "users", name)


def as_user(url: str, login: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{login}@{parts.hostname}:{parts.port}").geturl()


def vhost_of(url: str) -> str:
    return urlsplit(url).path[1:]


async def refusal_of(url: str, *, must_reach: bool = False) -> PenstockError:
    with pytest.raises(PenstockError) as refused:
        await open_broker(url, JOB, SECRET, 10, must_reach=must_reach)
    told = f"{refused.value} {refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!r}"
    assert "canary" not in told
    return refused.value


async def test_a_refused_login_is_told(amqp_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refusal = await refusal_of(as_user(amqp_url, f"nobody:{PASSWORD}"))
    assert isinstance(refusal, JobError)
    assert "refuses the login of user 'nobody'" in str(refusal)
    assert "canary" not in caplog.text


async def test_a_virtual_host_that_is_not_there_or_closed_to_the_user_is_told(
    amqp: str, amqp_url: str, guest: str
) -> None:
    absent = urlsplit(amqp)._replace(path="/nowhere").geturl()
    closed = as_user(amqp_url, f"{guest}:{PASSWORD}")
    for url, vhost in ((absent, "nowhere"), (closed, vhost_of(amqp_url))):
        refusal = await refusal_of(url)
        assert isinstance(refusal, JobError)
        assert f"into the virtual host '{vhost}'" in str(refusal)
        assert f"rabbitmqctl set_permissions -p {vhost} " in str(refusal)


@pytest.mark.parametrize("lacks", ["configure", "write", "read"])
async def test_a_missing_right_is_told_with_the_line_to_type(amqp: str, amqp_url: str, guest: str, lacks: str) -> None:
    management, vhost = Management(amqp), vhost_of(amqp_url)
    await asyncio.to_thread(management.let, guest, vhost, **{lacks: ""})
    refusal = await refusal_of(as_user(amqp_url, f"{guest}:{PASSWORD}"))
    assert isinstance(refusal, JobError)
    assert "ACCESS_REFUSED" in str(refusal)
    assert f"rabbitmqctl set_permissions -p {vhost} {guest} '^penstock\\.' " in str(refusal)


async def test_the_rights_that_are_told_are_enough(amqp: str, amqp_url: str, guest: str) -> None:
    url = as_user(amqp_url, f"{guest}:{PASSWORD}")
    told = str(await refusal_of(url))
    _, configure, _, write, _, read, _ = told[told.index("set_permissions") :].split("'")
    await asyncio.to_thread(
        Management(amqp).let, guest, vhost_of(amqp_url), configure=configure, write=write, read=read
    )
    async with opened(url, prefetch=1) as broker:
        await send(url, b"junk")
        assert await broker.publish([1]) == 1
        assert await broker.take(PATIENCE) == 1
        assert await broker.depth() == 0
    assert await dead_letters.count(url, JOB, SECRET) == 1


async def test_what_speaks_another_protocol_is_told() -> None:
    async def speak_amqp_1(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"AMQP\x00\x01\x00\x00")
        writer.close()

    async with await asyncio.start_server(speak_amqp_1, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        refusal = await refusal_of(f"amqp://me:{PASSWORD}@127.0.0.1:{port}/")
    assert isinstance(refusal, JobError)
    assert "does not speak AMQP 0-9-1" in str(refusal)


async def test_b1_whoever_insists_on_a_broker_that_is_down_is_told(unused_tcp_port: int) -> None:
    refusal = await refusal_of(f"amqp://me:{PASSWORD}@127.0.0.1:{unused_tcp_port}/", must_reach=True)
    assert isinstance(refusal, BrokerUnreachable)
    assert str(refusal) == (
        f"the broker at amqp://127.0.0.1:{unused_tcp_port} does not answer (Connection refused): "
        "ranges are found in the ledger meanwhile"
    )

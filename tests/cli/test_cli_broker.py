"""RabbitMQ on the command line: `--broker` and PENSTOCK_BROKER, what `status` tells of it, `retry`, and `work`."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.conftest import ORDERS, Shop

from penstock.transport.base import Message
from penstock.transport.dead_letters import count
from penstock.transport.names import queue_name
from penstock.transport.rabbitmq import open_broker

PATIENCE = 60.0


def started(shop: Shop, *words: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "penstock", *words],
        cwd=shop.folder,
        env={**os.environ, **shop.environment, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ask(shop: Shop, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(shop.folder / "shop.db")) as connection:
        return connection.execute(query).fetchall()


def read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    seen: list[str] = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return
    raise AssertionError(f"{words!r} was never said: {seen}")


def test_a_run_and_a_waiting_worker_by_the_environment(shop: Shop, amqp_url: str) -> None:
    file = shop.write_job()
    shop.penstock("prepare", file)
    broker = {"PENSTOCK_BROKER": amqp_url}

    worker = started(shop, "work", file, "--json", environment=broker)
    read_until(worker, "waiting for work")
    ran = shop.penstock("run", file, "--json", environment=broker)
    status = shop.penstock("status", file, "--json", environment=broker).document["broker"]
    worker.send_signal(signal.SIGTERM)
    _, said = worker.communicate(timeout=PATIENCE)

    assert (ran.code, ran.document["imported"], ran.document["failed"]) == (1, ORDERS - 1, 1)
    assert worker.returncode == 3, said
    assert isinstance(status, dict)
    assert str(status.pop("name")).startswith("penstock.orders.")
    assert status == {"waiting": 0, "put_aside": 0, "trouble": ""}


def test_without_the_broker_status_tells_the_queue_and_asks_nobody(shop: Shop, amqp_url: str) -> None:
    file = shop.write_job()
    shop.penstock("prepare", file)
    assert shop.penstock("status", file, "--json").document["broker"] is None
    shop.penstock("run", file, "--broker", amqp_url)

    status = shop.penstock("status", file, "--json").document["broker"]

    assert isinstance(status, dict)
    assert (status["waiting"], status["put_aside"]) == (None, None)


async def test_what_was_put_aside_is_told_and_handed_out_again(shop: Shop, amqp_url: str) -> None:
    file = shop.write_job()
    shop.penstock("prepare", file)
    shop.penstock("run", file, "--broker", amqp_url)
    [(signing_key,)] = ask(shop, "SELECT signing_key FROM penstock_jobs")
    secret = bytes.fromhex(str(signing_key))
    foreign = await open_broker(amqp_url, "orders", secret, 1)
    # Junk, and one that nobody lived to acknowledge.
    assert await foreign.publish_to("", [Message("1", queue_name("orders", secret), b"no JSON")]) == 1
    while not await count(amqp_url, "orders", secret):
        await foreign.take(0.1)
    await foreign.aclose()

    told = shop.penstock("status", file, "--broker", amqp_url)
    mended = shop.penstock("retry", file, "--broker", amqp_url, "--json")

    assert "1 put aside; penstock retry orders.yaml --broker URL" in told.err
    assert mended.document == {"job": "orders", "retried": 1, "messages": 0}
    assert "a message is thrown away: it is not signed" in mended.err
    assert await count(amqp_url, "orders", secret) == 0


def test_processes_are_told_the_broker_past_their_command_lines(shop: Shop, amqp_url: str) -> None:
    file = shop.write_job(and_then="")
    shop.penstock("prepare", file)
    shop.penstock("pause", file)

    run = started(shop, "run", file, "--processes", "2", "--broker", amqp_url, environment={})
    read_until(run, "orders:")
    lines = [line for line in command_lines() if "--as-worker" in line]
    shop.penstock("resume", file)
    out, said = run.communicate(timeout=PATIENCE)

    assert run.returncode == 1, said
    assert lines
    assert not [line for line in lines if "amqp" in line]
    assert "amqp" not in said + out


def command_lines() -> Sequence[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["work", "orders.yaml"], "give --broker amqp://"),
        (["run", "orders.yaml", "--broker", "http://user:canary7@host/"], "does not begin with amqp:// or amqps://"),
        (["work", "orders.yaml", "--broker", "amqp://user:canary7@/x"], "names no host"),
        (["work", "orders.yaml", "--broker", "amqp://127.0.0.1:1/", "--for", "0s"], "leaves no time to run"),
        (["status", "orders.yaml", "--broker", "nonsense"], "does not begin with amqp://"),
    ],
)
def test_a_broker_that_is_none_is_refused_with_a_way_out(shop: Shop, words: list[str], says: str) -> None:
    shop.write_job()
    shop.penstock("prepare", "orders.yaml")
    if words[0] == "status":
        shop.penstock("run", "orders.yaml", "--broker", "amqp://127.0.0.1:1/")

    ended = shop.penstock(*words)

    assert ended.code == 2, ended.err
    assert says in " ".join(ended.err.split())
    assert "canary7" not in ended.err + ended.out
    assert "Traceback" not in ended.err


def test_a_login_that_is_refused_ends_a_run_before_it_sends(shop: Shop, amqp_url: str) -> None:
    file = shop.write_job()
    shop.penstock("prepare", file)
    wrong = amqp_url.replace("penstock:penstock@", "penstock:canary7@")

    for words in (["run", file], ["work", file]):
        ended = shop.penstock(*words, "--broker", wrong)
        assert ended.code == 2, ended.err
        assert "refuses the login of user 'penstock'" in " ".join(ended.err.split())
        assert "canary7" not in ended.err
    assert ask(shop, "SELECT COUNT(*) FROM penstock_rows") == [(0,)]

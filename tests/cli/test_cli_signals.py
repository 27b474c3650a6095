"""Ctrl-C, SIGTERM, several processes and a reader who goes away."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.conftest import ORDERS, Shop

PATIENCE = 40.0  # seconds after which a test is given up


@contextmanager
def running(shop: Shop, *words: str, concurrency: int = 1) -> Iterator[subprocess.Popen[str]]:
    """A run that has delivered something and has more to do; gone after the block, whatever became of the test."""
    shop.write_job("orders", concurrency=concurrency)
    assert shop.penstock("prepare", "orders.yaml").code == 0
    run = shop.start("run", "orders.yaml", "--json", *words)
    try:
        ends_at = time.monotonic() + PATIENCE
        while shop.api.applied() < 3:
            assert run.poll() is None, run.communicate()
            assert time.monotonic() < ends_at, "nothing was delivered"
        yield run
    finally:
        run.kill()
        run.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_p1_the_first_signal_lets_what_is_on_the_wire_finish(slow_shop: Shop, number: signal.Signals) -> None:
    with running(slow_shop) as run:
        run.send_signal(number)
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 3
    assert "once more to leave at once" in err
    applied = slow_shop.api.applied()
    assert 3 <= applied < ORDERS - 1
    assert f'"imported":{applied},' in out
    assert slow_shop.imported() == applied


def test_p1_a_signal_while_the_command_is_being_loaded_is_a_stop(slow_shop: Shop) -> None:
    assert slow_shop.penstock("prepare", "orders.yaml").code == 0
    run = slow_shop.start("run", "orders.yaml")
    while "pydantic_core" not in Path(f"/proc/{run.pid}/maps").read_text():
        assert run.poll() is None, run.communicate()
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=PATIENCE)
    assert (run.returncode, err) == (3, "stopped\n")


def test_p1_a_signal_while_a_server_says_nothing_is_a_stop(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        url = f"mysql://penstock@127.0.0.1:{server.getsockname()[1]}/shop"
        (tmp_path / "orders.yaml").write_text(
            f"name: orders\nsource: {{url: {url}, table: orders, key: id}}\ntarget: {{url: http://127.0.0.1:9/}}\n"
        )
        command = subprocess.Popen(
            [sys.executable, "-m", "penstock", "check", "orders.yaml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        )
        connection, _ = server.accept()
        with connection:
            command.send_signal(signal.SIGINT)
            _, err = command.communicate(timeout=PATIENCE)
    assert (command.returncode, err) == (3, "stopped\n")


def test_p2_the_second_signal_leaves_at_once_and_the_next_run_goes_on(very_slow_shop: Shop) -> None:
    with running(very_slow_shop) as run:
        run.send_signal(signal.SIGINT)
        assert run.stderr is not None
        assert any("once more" in line for line in run.stderr)
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=PATIENCE)
    assert (run.returncode, out) == (3, ""), "it waited for what was on the wire"
    very_slow_shop.write_job("orders", concurrency=ORDERS)
    assert very_slow_shop.penstock("run", "orders.yaml").code == 1
    assert very_slow_shop.api.stats()["doubled"] == 0
    assert very_slow_shop.imported() == ORDERS - 1


def test_p3_a_kill_before_a_stop_was_through_is_like_any_kill(very_slow_shop: Shop) -> None:
    with running(very_slow_shop, concurrency=4) as run:
        run.send_signal(signal.SIGTERM)
        assert run.stderr is not None
        assert any("once more" in line for line in run.stderr)
        run.kill()
        assert run.wait(timeout=PATIENCE) == -signal.SIGKILL
    very_slow_shop.write_job("orders", concurrency=ORDERS)
    assert very_slow_shop.penstock("run", "orders.yaml").code == 1
    assert very_slow_shop.api.stats()["doubled"] == 0
    assert very_slow_shop.imported() == ORDERS - 1


def test_p18_a_run_goes_on_as_it_began_when_its_file_is_changed(slow_shop: Shop) -> None:
    with running(slow_shop) as run:
        slow_shop.write_job("orders", port=1)
        _, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 1, err
    assert slow_shop.imported() == slow_shop.api.applied() == ORDERS - 1


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_run_for_a_while_stops_softly_and_may_go_on(slow_shop: Shop, processes: str) -> None:
    slow_shop.write_job("orders", concurrency=1)
    assert slow_shop.penstock("prepare", "orders.yaml").code == 0
    ended = slow_shop.penstock("run", "orders.yaml", "--json", "--for", "1s", "--processes", processes)
    assert ended.code == 3
    assert ended.document["imported"] == slow_shop.imported() == slow_shop.api.applied() < ORDERS - 1


def test_p16_p21_several_processes_do_the_job_together(shop: Shop) -> None:
    assert shop.penstock("prepare", "orders.yaml").code == 0
    ended = shop.penstock("run", "orders.yaml", "--processes", "2", "--json")
    assert ended.code == 1
    document = ended.document
    assert (document["imported"], document["failed"], document["pending"]) == (ORDERS - 1, 1, 0)
    run = document["run"]
    assert isinstance(run, dict)
    assert run["sent"] == ORDERS


def test_p1_one_signal_drains_every_process(slow_shop: Shop) -> None:
    with running(slow_shop, "--processes", "2") as run:
        run.send_signal(signal.SIGTERM)
        out, _ = run.communicate(timeout=PATIENCE)
    assert run.returncode == 3
    assert f'"imported":{slow_shop.api.applied()},' in out


def test_p1_a_signal_while_processes_are_being_started_drains_them_all(slow_shop: Shop) -> None:
    slow_shop.write_job("orders", concurrency=ORDERS)
    assert slow_shop.penstock("prepare", "orders.yaml").code == 0
    run = slow_shop.start("run", "orders.yaml", "--json", "--processes", "32")
    while not children(run.pid):
        assert run.poll() is None, run.communicate()
    run.send_signal(signal.SIGTERM)
    _, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 3, err
    assert slow_shop.imported() == slow_shop.api.applied() < ORDERS - 1


def test_p5_workers_drain_when_the_process_that_started_them_is_gone(slow_shop: Shop) -> None:
    with running(slow_shop, "--processes", "2") as run:
        workers = children(run.pid)
        assert len(workers) == 2
        run.kill()
        run.wait()
        for worker in workers:
            wait_for_end(worker)
    assert slow_shop.imported() == slow_shop.api.applied() < ORDERS - 1


@pytest.mark.parametrize("which", [0, 1])
def test_p5_a_killed_worker_does_not_stop_the_others(slow_shop: Shop, which: int) -> None:
    with running(slow_shop, "--processes", "2", concurrency=4) as run:
        os.kill(children(run.pid)[which], signal.SIGKILL)
        _, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 1, err
    assert "ended unexpectedly (killed by signal 9)" in err
    assert slow_shop.imported() == ORDERS - 1
    assert slow_shop.api.stats()["doubled"] == 0


def test_without_a_worker_that_could_run_the_reason_is_told_once(shop: Shop) -> None:
    ended = shop.penstock("run", "orders.yaml", "--processes", "3")
    assert ended.code == 2
    assert ended.err.count("penstock prepare") == 1


@pytest.mark.parametrize("words", [["--limit", "5"], ["--key", "5"]])
def test_what_is_one_processes_work_is_refused_with_several(shop: Shop, words: list[str]) -> None:
    ended = shop.penstock("run", "orders.yaml", "--processes", "2", *words)
    assert ended.code == 2
    assert "--processes" in ended.err


def test_p22_a_reader_who_goes_away_is_no_error(shop: Shop) -> None:
    shop.penstock("prepare", "orders.yaml")
    shop.penstock("run", "orders.yaml")
    rows = f"{sys.executable} -m penstock rows orders.yaml"
    for pipe in (f"{rows} --json | head -n 1", f"{rows} 2>&1 | head -n 1"):
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {pipe}"],
            cwd=shop.folder,
            env=shop.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), pipe
        assert len(done.stdout.splitlines()) == 1


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for_end(pid: int) -> None:
    """Of a process that is nobody's child here any more."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        readable, _, _ = select.select([handle], [], [], PATIENCE)
        assert readable, f"process {pid} does not end"
    finally:
        os.close(handle)

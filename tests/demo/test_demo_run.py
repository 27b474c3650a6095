"""The demo as `penstock demo` plays it: real processes, a real kill, a count that penstock has no part in."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.console import Console

from penstock.demo.run import run_demo
from penstock.demo.shop import fill_shop


def play(folder: Path, *, rows: int) -> tuple[int, str]:
    """The exit code, and all that the demo and its commands printed."""
    shop = folder / "shop"
    shop.mkdir()
    with (folder / "screen.txt").open("w") as screen:
        exit_code = run_demo(rows, shop, Console(file=screen, width=120))
    return exit_code, (folder / "screen.txt").read_text()


def test_every_order_arrives_once_although_the_run_is_killed(tmp_path: Path) -> None:
    exit_code, screen = play(tmp_path, rows=600)
    assert exit_code == 0, screen
    assert "Every order arrived exactly once." in screen
    with closing(sqlite3.connect(tmp_path / "shop" / "shop.db")) as shop:
        [(flagged,)] = shop.execute("SELECT count(*) FROM orders WHERE is_import = 1 AND deleted = 0")
    assert flagged == 600


def test_the_commands_are_shown_as_a_person_would_type_them(tmp_path: Path) -> None:
    _, screen = play(tmp_path, rows=100)
    shown = re.findall(r"^\$ (.*)$", screen, re.MULTILINE)
    shown = [re.sub(r"\d{2,}", "N", command) for command in shown]
    assert shown[:9] == [
        "python -m penstock.demo.shop --url sqlite:///shop.db --orders N",
        "python -m penstock.demo.api --store api.jsonl --record arrived.jsonl --faults 0.N --latency Nms &",
        "echo 'API_TOKEN=demo-token' > .env",
        "cat orders.yaml",
        "penstock check orders.yaml",
        "penstock prepare orders.yaml",
        "penstock run orders.yaml",
        "kill -9 N",
        "penstock status orders.yaml",
    ]


async def test_a_command_that_goes_wrong_ends_the_demo_with_its_exit_code(tmp_path: Path) -> None:
    await fill_shop(SecretStr("sqlite:///shop.db"), orders=1, seed=1, folder=str(tmp_path))
    with (tmp_path / "screen.txt").open("w") as screen:
        exit_code = await asyncio.to_thread(run_demo, 50, tmp_path, Console(file=screen, width=120))
    assert exit_code == 2
    assert "there is no new shop: table customers already exists" in (tmp_path / "screen.txt").read_text()


def test_ctrl_c_ends_the_demo_and_everything_it_started(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "penstock", "demo", "--rows", "3000"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stderr is not None
        for line in demo.stderr:
            if line == "$ penstock run orders.yaml\n":
                break
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: to the demo and to the run it waits for
        screen = demo.stderr.read()
        assert demo.wait(60) == 3, screen
    assert "stopped; everything made so far is in" in screen
    [job_file] = tmp_path.glob("penstock-demo-*/orders.yaml")
    [port] = re.findall(r"127\.0\.0\.1:(\d+)", job_file.read_text())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port))).close()

"""Mistakes that take a process: a disk that is full under the ledger, too few file descriptors, readers who go away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.mistakes.mistake import PREPARED, add, edit, query, sql
from tests.mistakes.world import World

MANY = 1000

# It tries for so many seconds to write down what it knows; twice 20 are too long for a test.
_SOON_AT_ITS_END = """
import sys
from penstock.engine import settler
settler.LAST_PATIENCE = 0.3
from penstock.cli.main import main
sys.exit(main())
"""


def start(world: World, *words: str, limit: str = "", stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """`penstock` as a process. limit: what the shell's `ulimit` takes."""
    limited = ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh"] if limit else []
    return subprocess.Popen(
        [*limited, sys.executable, "-c", _SOON_AT_ITS_END, *words],
        cwd=world.folder,
        env=dict(os.environ),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def many_orders(world: World) -> None:
    rows = ", ".join(f"({number}, 'B-{number}', 1, NULL)" for number in range(10, 10 + MANY))
    sql(f"INSERT INTO orders VALUES {rows}")(world)


@pytest.mark.parametrize("idempotent", ["true", "false"])
def test_p11_a_disk_that_is_full_under_the_ledger_ends_the_run_and_loses_no_row(
    sqlite_world: World, idempotent: str
) -> None:
    world = sqlite_world
    many_orders(world)
    add("ledger: {url: 'sqlite:///ledger.db'}\n")(world)
    edit("idempotent: true", f"idempotent: {idempotent}")(world)
    PREPARED(world)
    ledger = world.folder / "ledger.db"

    blocks = ledger.stat().st_size // 512 + 128  # beyond them it can write no file, as on a disk that is full
    process = start(world, "run", "orders.yaml", "--json", limit=f"-f {blocks}")
    out, err = process.communicate(timeout=60)

    assert process.returncode == 3, err
    assert "Traceback" not in err
    assert "a fault in penstock" not in err
    assert "the ledger at" in err
    assert all(line.startswith("{") for line in out.splitlines())
    ended = world.penstock("run", "orders.yaml", "--json")  # with room again, the same command goes on
    [document] = ended.documents
    assert document["pending"] == document["failed"] == 0
    assert document["imported"] + document["in_doubt"] == MANY + 3
    assert idempotent == "false" or document["in_doubt"] == 0


@pytest.mark.parametrize("idempotent", ["true", "false"])
def test_p13_too_few_file_descriptors_end_the_run_and_lose_no_row(sqlite_world: World, idempotent: str) -> None:
    world = sqlite_world
    many_orders(world)
    edit("idempotent: true", f"idempotent: {idempotent}")(world)
    PREPARED(world)

    process = start(world, "run", "orders.yaml", "--json", limit="-n 16")
    _, err = process.communicate(timeout=60)

    assert process.returncode == 3, err
    assert "Traceback" not in err
    assert "a fault in penstock" not in err
    assert "unable to open database file" in err
    edit("give_up_after: 300ms", "give_up_after: 1m")(world)
    [document] = world.penstock("run", "orders.yaml", "--json").documents
    assert document["pending"] == document["failed"] == document["in_doubt"] == 0
    assert document["imported"] == MANY + 3


def test_p22_a_reader_who_goes_away_is_no_error(sqlite_world: World) -> None:
    world = sqlite_world
    PREPARED(world)
    assert world.penstock("run", "orders.yaml").code == 0
    read, write = os.pipe()
    os.close(read)
    process = start(world, "rows", "orders.yaml", "--json", stdout=write)
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


def test_a_wrong_query_told_by_several_processes_is_told_once(sqlite_world: World) -> None:
    world = sqlite_world
    PREPARED(world)
    query("SELECT id, order_no, totl FROM orders")(world)
    before = world.state()
    ended = world.penstock("run", "orders.yaml", "--processes", "2", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("no such column: totl") == 1
    assert world.state() == before


def test_no_file_is_left_beside_a_job_that_was_refused(sqlite_world: World) -> None:
    world = sqlite_world
    edit("key: id", "key: number")(world)
    before = sorted(path.name for path in Path(world.folder).iterdir())
    assert world.penstock("run", "orders.yaml").code == 2
    assert sorted(path.name for path in Path(world.folder).iterdir()) == before

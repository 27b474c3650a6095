"""What `penstock` does where its streams or its arguments are of no use."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from tests.cli.conftest import Ended, Shop

from penstock.cli.failures import in_words
from penstock.errors import JobError


def in_shell(shop: Shop, command: str) -> Ended:
    line = command.replace("penstock", f"{shlex.quote(sys.executable)} -m penstock", 1)
    done = subprocess.run(
        line, shell=True, cwd=shop.folder, env=shop.environment, capture_output=True, text=True, timeout=60, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("streams", ["<&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_p11_p22_a_run_needs_no_stream(shop: Shop, streams: str) -> None:
    assert shop.penstock("prepare", "orders.yaml").code == 0
    assert in_shell(shop, f"penstock run orders.yaml {streams}").code == 1
    assert shop.imported() == 39


def test_p11_data_that_cannot_be_written_is_told_in_one_line(shop: Shop) -> None:
    assert shop.penstock("prepare", "orders.yaml").code == 0
    ended = in_shell(shop, "penstock status orders.yaml --json >/dev/full")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith("stdout cannot be written: No space left on device")


@pytest.mark.parametrize("charset", ["ascii", "latin-1", "utf-16"])
def test_data_is_utf_8_whatever_the_terminal_shows(shop: Shop, charset: str) -> None:
    with closing(sqlite3.connect(shop.folder / "shop.db")) as connection:
        connection.execute("UPDATE orders SET order_no = 'é 😀' WHERE id = 1")
        connection.commit()
    line = f"PYTHONIOENCODING={charset} {shlex.quote(sys.executable)} -m penstock check orders.yaml --json"
    done = subprocess.run(
        line, shell=True, cwd=shop.folder, env=shop.environment, capture_output=True, timeout=60, check=False
    )
    [document] = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert "é 😀" in document["samples"][0]["request"]["body"]


def test_an_argument_that_is_not_utf_8_is_refused_in_one_line(shop: Shop) -> None:
    ended = shop.penstock("show", "orders.yaml", "a\udcff")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "\\udcff is not UTF-8" in ended.err


def test_a_status_that_no_answer_has_is_refused(shop: Shop) -> None:
    ended = shop.penstock("retry", "orders.yaml", "--status", "99999999999999999999")
    assert ended.code == 2
    assert "'--status'" in ended.err


@pytest.mark.parametrize("key", ["99999999999999999999999", "[1,2]"])
def test_a_key_that_no_row_can_have_is_told(shop: Shop, key: str) -> None:
    assert shop.penstock("prepare", "orders.yaml").code == 0
    ended = shop.penstock("show", "orders.yaml", key)
    assert ended.code == 2
    assert ended.err.startswith(f"no row with the key {key}")


def test_what_to_type_is_told_with_the_files_own_name(shop: Shop) -> None:
    (shop.folder / "orders.yaml").rename(shop.folder / "my orders.yaml")
    for command in ("run", "status"):
        assert "`penstock prepare 'my orders.yaml'`" in shop.penstock(command, "my orders.yaml").err


def test_only_the_place_of_the_file_is_filled() -> None:
    error = JobError("`penstock show FILE KEY` tells which, PROFILE and FILE stay")
    assert in_words(error, "a.yaml") == "`penstock show a.yaml KEY` tells which, PROFILE and FILE stay"
    assert in_words(error, None) == str(error)

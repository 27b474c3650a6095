"""The worked example of the library, run as a person would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr

from penstock.demo.api import TOKEN
from penstock.demo.processes import running_api
from penstock.demo.shop import fill_shop

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "library" / "move_orders.py"


def run_example(folder: Path, *, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLE],
        cwd=folder,
        env={**os.environ, "ORDERS_URL": f"http://127.0.0.1:{port}/orders", "API_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_the_example_moves_a_shop_and_skips_what_its_function_skips(tmp_path: Path) -> None:
    await fill_shop(SecretStr("sqlite:///shop.db"), orders=300, seed=1, folder=str(tmp_path))
    with running_api(folder=tmp_path) as api:
        first = run_example(tmp_path, port=api.port)
        again = run_example(tmp_path, port=api.port)
        stats = api.stats()
    assert first.returncode == 0, first.stderr
    counts = re.findall(r"^(\d+) imported, 0 failed, (\d+) skipped$", first.stdout, re.MULTILINE)
    [(imported, skipped)] = [(int(one), int(other)) for one, other in counts]
    assert imported + skipped == 300
    assert skipped > 0
    assert stats["applied"] == stats["requests"] == imported
    assert again.stdout == first.stdout


def test_the_example_says_what_to_change_where_there_is_no_shop(tmp_path: Path) -> None:
    ended = run_example(tmp_path, port=1)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"there is no file {tmp_path / 'shop.db'}" in ended.stderr


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "library.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert EXAMPLE.read_text() in blocks

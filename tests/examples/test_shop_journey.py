"""`make journey`, small: from the old shop to the new stores, with a kill on the way, verified and counted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

from examples.shop.journey.kills import moments

ROOT = Path(__file__).parents[2]
SIZES = ("--customers", "300", "--orders", "900", "--kills", "1", "--rate", "800", "--workers", "2")


def test_everything_arrives_though_a_run_is_killed() -> None:
    played = subprocess.run(
        [
            sys.executable,
            "-m",
            "examples.shop.journey",
            *SIZES,
            "--name",
            f"penstock_test_{uuid4().hex[:12]}",
            "--drop",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "$ kill -9 " in played.stdout
    assert "Everything arrived, once, and as it was." in played.stdout


def test_moments_to_kill_are_drawn_by_the_seed() -> None:
    rows = {"customers": 100, "orders": 1000, "payments": 1000, "products": 10}
    drawn = moments(4, rows, seed=1)
    assert drawn == moments(4, rows, seed=1) != moments(4, rows, seed=2)
    assert {job: len(each) for job, each in drawn.items()} == {"orders": 2, "customers": 1, "payments": 1}
    assert all(rows[job] * 0.1 <= moment + 1 <= rows[job] * 0.8 for job, each in drawn.items() for moment in each)
    assert list(drawn["orders"]) == sorted(drawn["orders"])

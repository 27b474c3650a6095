"""docs/reference/faults.md names every fault of databases, APIs, processes and brokers with the tests that there are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_faults_names_the_tests_that_there_are() -> None:
    script = ROOT / "scripts" / "write_faults_reference.py"
    written = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True, cwd=ROOT)
    assert written.returncode == 0, written.stderr
    page = (ROOT / "docs" / "reference" / "faults.md").read_text()
    again = "write it again: python scripts/write_faults_reference.py > docs/reference/faults.md"
    assert page == written.stdout, again

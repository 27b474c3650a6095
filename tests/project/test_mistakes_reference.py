"""docs/reference/mistakes.md says what the tables of tests/mistakes say, and they are made and compared there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_mistakes_is_what_its_tests_make() -> None:
    script = ROOT / "scripts" / "write_mistakes_reference.py"
    written = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, cwd=ROOT)
    page = (ROOT / "docs" / "reference" / "mistakes.md").read_text()
    assert page == written.stdout, "write it again: scripts/write_mistakes_reference.py > docs/reference/mistakes.md"

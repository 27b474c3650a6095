"""docs/reference/types.md is what the tested table says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_types_is_written_from_the_table_that_the_tests_run_through() -> None:
    script = ROOT / "scripts" / "write_types_reference.py"
    written = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, cwd=ROOT)
    page = (ROOT / "docs" / "reference" / "types.md").read_text()
    assert page == written.stdout, "write it again: python scripts/write_types_reference.py > docs/reference/types.md"

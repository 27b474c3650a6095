"""docs/reference/cli.md says what the commands themselves say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_commands_is_what_their_help_says() -> None:
    script = ROOT / "scripts" / "write_cli_reference.py"
    written = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, cwd=ROOT)
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    assert page == written.stdout, "write it again: python scripts/write_cli_reference.py > docs/reference/cli.md"

"""docs/reference/job-file.md says what the models say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_the_job_file_is_what_the_models_say() -> None:
    script = ROOT / "scripts" / "write_job_file_reference.py"
    written = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, cwd=ROOT)
    page = (ROOT / "docs" / "reference" / "job-file.md").read_text()
    assert page == written.stdout, (
        "write it again: python scripts/write_job_file_reference.py > docs/reference/job-file.md"
    )

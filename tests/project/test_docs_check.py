"""The check that keeps the documentation whole: scripts/check_docs.py, run as `make check` runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_docs.py"

Check = Callable[[dict[str, str]], list[str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Write these files (path → text), run the check over them, return its findings."""

    def run(files: dict[str, str]) -> list[str]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        result = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
        findings = result.stderr.splitlines()
        assert result.returncode == (1 if findings else 0)
        return findings

    return run


def test_whole_documentation_has_no_findings(check: Check) -> None:
    files = {
        "README.md": "## How it works (in short)\n\n[guide](docs/guide.md#first-steps) [above](#how-it-works-in-short)\n",
        "docs/guide.md": "## First steps\n\n[why](adr/) [home](../README.md) [site](https://example.com/x)\n",
        "docs/adr/README.md": "# Decisions\n\n```\n[in code](nowhere.md)\n```\n\n`[also](nowhere.md)`\n",
    }
    assert check(files) == []


def test_a_link_that_leads_nowhere_is_found(check: Check) -> None:
    assert check({"README.md": "# Tool\n\n[guide](docs/guide.md)\n"}) == ["README.md:3: docs/guide.md leads nowhere"]


def test_a_link_to_a_heading_that_is_gone_is_found(check: Check) -> None:
    assert check({"README.md": "[guide](docs/guide.md#second-steps)\n", "docs/guide.md": "## First steps\n"}) == [
        "README.md:1: docs/guide.md#second-steps: there is no such heading in docs/guide.md"
    ]


def test_a_page_that_nothing_links_to_is_found(check: Check) -> None:
    assert check({"README.md": "# Tool\n", "docs/guide.md": "# Guide\n"}) == [
        "docs/guide.md:1: no link leads here from README.md or docs/index.md"
    ]


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        # In parts: the check reads this file too.
        ("/".join(["", "home", "somebody"]), "names a folder of a machine"),
        (".".join(["files", "pythonhosted", "org"]), "names the host of a package registry"),
    ],
)
def test_what_belongs_to_one_machine_is_found_in_any_file(check: Check, word: str, complaint: str) -> None:
    [finding] = check({"src/module.py": f"x = 1\ny = '{word}'\n"})
    assert finding.startswith("src/module.py:2: ")
    assert finding.endswith(complaint)


def test_paths_inside_an_address_are_no_folders_of_a_machine(check: Check) -> None:
    assert check({"README.md": "call https://api.example.com/work/orders\n"}) == []

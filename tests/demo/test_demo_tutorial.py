"""What the tutorials tell people to type is what the demo runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from penstock.cli.main import app
from penstock.demo.api import parse_options
from penstock.demo.job_file import job_file_text

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def typed_lines(page: Path) -> list[list[str]]:
    """The words of each command line of a page, without its prompt, its comment and what the shell does with its output."""
    lines = [line[2:] for block in code_blocks(page, "console") for line in block.splitlines() if line[:2] == "$ "]
    return [shlex.split(re.split(" [#>|]", line)[0]) for line in lines if "<" not in line and "$(" not in line]


def test_the_job_file_in_the_readme_is_the_one_that_the_demo_runs() -> None:
    assert job_file_text(port=8008) in code_blocks(ROOT / "README.md", "yaml")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_line_that_a_page_shows_is_understood(page: Path) -> None:
    program = typer.main.get_command(app)
    assert isinstance(program, TyperGroup)
    for words in typed_lines(page):
        if words[0] == "penstock":
            # Parses every argument and runs nothing; raises a usage error for an option that is not there.
            program.commands[words[1]].make_context(words[1], words[2:])


def test_the_bundled_api_understands_the_options_that_the_tutorials_give_it() -> None:
    starts = [
        words for page in PAGES for words in typed_lines(page) if words[:3] == ["python", "-m", "penstock.demo.api"]
    ]
    assert [parse_options(words[3:]).port for words in starts] == [8008, 8009]

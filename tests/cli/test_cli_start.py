"""What a command loads before it does anything: a second of a machine's time for every line typed, if nobody looks."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded_by(program: str) -> set[str]:
    """The packages and modules that a new interpreter has when this program is over."""
    ending = "\nimport sys\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program + ending], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_what_needs_no_job_loads_neither_a_command_nor_a_database(word: str) -> None:
    loaded = loaded_by(f"from penstock.cli import main\nassert main.main(['{word}']) == 0")
    assert "penstock.cli.commands" in loaded
    assert not loaded & {"sqlalchemy", "sqlglot", "asyncmy", "jinja2", "penstock.spec", "penstock.wiring", "asyncio"}


def test_data_is_printed_without_what_draws_for_people() -> None:
    assert "rich" not in loaded_by("from penstock.cli import main\nassert main.main(['--version']) == 0")

"""What a command loads before it does anything: a second of CPU for every line typed, if nobody looks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Nobody listens on the discard port: a run ends when it has loaded everything and cannot connect.
_JOB = """\
name: orders
source: {url: "mysql://penstock@127.0.0.1:9/shop", table: orders, key: id}
target:
  url: http://127.0.0.1:9/orders
  body: {id: "{{ id }}"}
"""
OF_OTHER_DATABASES = {"asyncpg", "aiosqlite", "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite"}
OF_OTHER_COMMANDS = {
    "penstock.demo",
    "penstock.insights.findings",
    "penstock.ledger.people",
    "penstock.ledger.schema",
    "penstock.source.inspect",
    "penstock.wiring.checking",
    "penstock.wiring.preparing",
}


def loaded_by(*words: str, folder: Path, code: int) -> set[str]:
    """The packages and modules that a new process has when its command has ended with this exit code."""
    program = (
        "import sys; from penstock.cli.main import main; code = main(sys.argv[1:]); "
        "open('loaded', 'w').write(' '.join(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], stdin=subprocess.PIPE, capture_output=True, cwd=folder, check=False
    )
    assert done.returncode == code, done.stderr
    return set((folder / "loaded").read_text().split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.yaml").write_text(_JOB)
    return tmp_path


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_what_needs_no_job_loads_neither_a_command_nor_a_database(word: str, folder: Path) -> None:
    loaded = loaded_by(word, folder=folder, code=0)
    assert "penstock.cli.commands" in loaded
    assert not loaded & {"sqlalchemy", "sqlglot", "asyncmy", "jinja2", "penstock.spec", "penstock.wiring", "asyncio"}


def test_data_is_printed_without_what_draws_for_people(folder: Path) -> None:
    assert "rich" not in loaded_by("--version", folder=folder, code=0)


def test_a_run_loads_the_driver_of_its_database_and_nothing_of_other_commands(folder: Path) -> None:
    loaded = loaded_by("run", "orders.yaml", folder=folder, code=3)
    assert {"asyncmy", "penstock.engine.worker", "penstock.ledger.settling"} <= loaded
    assert not loaded & (OF_OTHER_DATABASES | OF_OTHER_COMMANDS)
    assert not loaded & {"pygments", "rich.markdown", "rich.syntax", "typer.rich_utils"}


def test_a_worker_among_many_loads_nothing_that_draws(folder: Path) -> None:
    loaded = loaded_by("run", "orders.yaml", "--as-worker", folder=folder, code=3)
    assert "penstock.engine.worker" in loaded
    assert not loaded & {"rich", "penstock.cli.progress", "penstock.cli.supervisor"}


def test_whoever_lets_others_work_loads_no_driver(folder: Path) -> None:
    loaded = loaded_by("run", "orders.yaml", "--processes", "2", folder=folder, code=3)
    assert "penstock.cli.supervisor" in loaded
    assert not loaded & {"asyncmy", "sqlglot", "sqlalchemy.orm", "penstock.engine.worker", "penstock.wiring.running"}

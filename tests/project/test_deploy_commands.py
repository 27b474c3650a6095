"""Every command line of penstock in the files and the page on deployment is one that the command takes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from tests.project.deploy_files import ROOT, compose, pods, service_says

from penstock.cli.main import app

# In a comment or on the page: behind `penstock`, or behind the name of the service that is run with another command.
_WRITTEN = re.compile(r"(?:(?<![\w@'-])penstock|--no-deps run) ([a-z]+ [^`#%\n]*?\.yaml(?![\w.])[^`#\n]*)")
_FILLED_IN = re.compile(r"\$\{JOB:-(\w+)\}")
_WITH_TEXT = ("Dockerfile", "deploy", "docs/how-to/deploy.md", "docs/how-to/sizing.md")


def _of_the_files() -> Iterator[list[str]]:
    for service in compose()["services"].values():
        if service["image"] == "penstock":
            yield [_FILLED_IN.sub(r"\1", word) for word in service["command"]]
    for pod in pods():
        for container in pod["containers"]:
            yield container["args"]
    program, *words = service_says("ExecStart").replace("%i", "orders").split()
    assert program.endswith("/penstock")
    yield words


def _of_the_texts() -> Iterator[list[str]]:
    for name in _WITH_TEXT:
        path = ROOT / name
        for file in sorted(path.rglob("*.*")) if path.is_dir() else [path]:
            for line in _WRITTEN.findall(file.read_text()):
                yield line.split()


LINES = sorted({" ".join(words) for words in [*_of_the_files(), *_of_the_texts()]})


def test_the_lines_are_found() -> None:
    assert {"prepare orders.yaml", "run customers.yaml", "work orders.yaml", "verify customers.yaml"} <= set(LINES)
    assert any(line.startswith("status") for line in LINES)


@pytest.mark.parametrize("line", LINES)
def test_the_command_takes_the_line(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_BROKER", "amqp://broker")  # as the files do
    name, *words = line.split()
    program: Any = typer.main.get_command(app)
    with program.make_context("penstock", [name, *words]) as outer:
        command = program.get_command(outer, name)
        assert command, f"there is no command {name}"
        # Raises for a word that the command does not take.
        with command.make_context(name, words, parent=outer):
            pass


@pytest.mark.parametrize("name", ["run", "work"])
def test_the_broker_may_come_from_the_environment(name: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "penstock", name, "--help"], capture_output=True, text=True, check=True
    )
    assert "--broker" in told.stdout
    assert "PENSTOCK_BROKER" in told.stdout

"""What `--help` says, and that what the command line cannot mean is told in words."""

from __future__ import annotations

import inspect
import re

import pytest

from penstock.cli.commands import COMMANDS, Listed
from penstock.cli.main import commands, main
from penstock.cli.steer import ConcurrencyWanted, RateWanted, parse_assignment

LOOKS = ["check", "status", "rows", "show", "verify", "report", "export", "schema", "demo"]
ACTS = ["prepare", "run", "work", "pause", "resume", "set", "retry", "resolve", "reset"]
PROMISED = LOOKS + ACTS
NUMBERED = re.compile(r"Exit codes:\s+[02] ")  # `work` ends only when it is told to, or by what a person must change


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_commands_are_those_that_the_contract_promises() -> None:
    assert sorted(commands()) == sorted(PROMISED)


@pytest.mark.parametrize("command", PROMISED)
def test_every_help_has_json_an_example_and_the_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, command, "--help")
    assert (code, err) == (0, "")
    assert "--json" in out
    assert f"  penstock {command}" in out
    assert NUMBERED.search(out)


def test_penstock_alone_is_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    alone, helped = said(capsys), said(capsys, "--help")
    assert alone[0] == helped[0] == 0
    assert alone[1].split() == helped[1].split()
    assert all(command in alone[1] for command in PROMISED)


def test_the_version_is_data(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "--version")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"penstock \d+\.\d+\.\d+\n", out)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["run", "--nope", "x.yaml"], "--nope"),
        (["run"], "See: penstock run --help"),
        (["run", "x.yaml", "--rate", "fast"], "'fast' is no rate"),
        (["run", "x.yaml", "--for", "6"], "'6' is no duration"),
        (["run", "x.yaml", "--limit", "0"], "--limit"),
        (["rows", "x.yaml", "--state", "lost"], "lost"),
        (["set", "x.yaml", "speed=9"], "'speed=9' cannot be set"),
        (["prepare", "x.yaml", "--undo", "--print-sql"], "leave out --undo"),
        (["resolve", "x.yaml", "--as", "imported"], "say which rows"),
        (["resolve", "x.yaml", "--as", "imported", "--all", "--key", "1"], "--all means every row"),
        (["resolve", "x.yaml", "--as", "imported", "--all", "--receipt", "9"], "--receipt is the id of one row"),
        (["status", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_cannot_be_meant_is_told_and_is_a_persons_matter(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, *words)
    assert (code, out) == (2, "")
    assert told in err


def test_what_is_set_is_read_in_the_job_files_units() -> None:
    assert parse_assignment("rate=120/m") == RateWanted(2.0)
    assert parse_assignment("rate=default") == RateWanted(None)
    assert parse_assignment("concurrency=32") == ConcurrencyWanted(32)
    assert parse_assignment("concurrency=default") == ConcurrencyWanted(None)


@pytest.mark.parametrize(
    "text", ["concurrency=0", "concurrency=1.5", "concurrency=", "concurrency=10001", "concurrency=²"]
)
def test_a_concurrency_is_a_number_of_requests(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "set", "x.yaml", text)
    assert code == 2
    assert "write 1 to 10000" in err


@pytest.mark.parametrize("listed", COMMANDS, ids=lambda listed: listed.name)
def test_a_command_is_listed_with_the_line_that_its_own_help_begins_with(listed: Listed) -> None:
    helped = inspect.getdoc(listed.load())
    assert helped is not None
    assert helped.split("\n\n")[0] == listed.line

"""How an error reaches people: in one line, without secrets, with the way to more."""

from __future__ import annotations

import pytest

from penstock.cli.failures import complain
from penstock.errors import JobFileError, LedgerUnreachable, Problem


def fault() -> Exception:
    try:
        raise KeyError("canary")
    except KeyError as error:
        return error


def test_an_expected_error_is_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert complain(LedgerUnreachable("the ledger at 127.0.0.1:3306 does not answer [odd]")) == 3
    assert capsys.readouterr() == ("", "the ledger at 127.0.0.1:3306 does not answer [odd]\n")


def test_all_problems_of_a_job_file_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("a.yaml:1", "name", "is missing"), Problem("a.yaml:3", "source", "has no url", "write one")]
    assert complain(JobFileError(problems)) == 2
    assert capsys.readouterr().err == "a.yaml:1: name: is missing\na.yaml:3: source: has no url; write one\n"


def test_a_fault_of_penstock_is_one_line_without_its_unchecked_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PENSTOCK_DEBUG", raising=False)
    assert complain(fault()) == 2
    err = capsys.readouterr().err
    assert err.startswith("a fault in penstock: KeyError at test_cli_failures.py:")
    assert err.count("\n") == 1
    assert "PENSTOCK_DEBUG=1" in err
    assert "canary" not in err


def test_the_traceback_comes_only_when_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_DEBUG", "1")
    complain(fault())
    assert "Traceback" in capsys.readouterr().err

"""The Dockerfiles name what is there, run as nobody in particular, and write to one folder."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from tests.project.deploy_files import ROOT, instructions

PENSTOCK = ROOT / "Dockerfile"
SHOP = ROOT / "deploy" / "shop.Dockerfile"
BOTH = pytest.mark.parametrize("dockerfile", [PENSTOCK, SHOP], ids=lambda path: path.name)


def _words(dockerfile: Path, name: str) -> list[str]:
    return [instruction.words for instruction in instructions(dockerfile) if instruction.name == name]


def _last(dockerfile: Path, name: str) -> str:
    return _words(dockerfile, name)[-1]


def _environment(dockerfile: Path) -> dict[str, str]:
    """Of the image; the stages before the last one set nothing of the same name."""
    pairs = [pair.partition("=") for words in _words(dockerfile, "ENV") for pair in words.split()]
    return {name: value for name, _, value in pairs}


def _reaches_the_build(path: str) -> bool:
    """As .dockerignore says: the last pattern that fits decides; one that names a folder fits all below it."""
    is_let_through = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and (fnmatch(path, pattern) or path.startswith(f"{pattern}/")):
            is_let_through = line.startswith("!")
    return is_let_through


@BOTH
def test_whatever_is_copied_is_there_and_let_through(dockerfile: Path) -> None:
    copied = [word for words in _words(dockerfile, "COPY") if "--from" not in words for word in words.split()[:-1]]
    assert copied
    for path in copied:
        assert (ROOT / path).exists(), path
        assert _reaches_the_build(path), path


@pytest.mark.parametrize(
    "path", [".env", "deploy/.env", "examples/shop/.env", ".git/config", "src/penstock/__pycache__"]
)
def test_secrets_and_leftovers_are_not_let_through(path: str) -> None:
    assert not _reaches_the_build(path)


@BOTH
def test_no_shell_is_started(dockerfile: Path) -> None:
    for instruction in instructions(dockerfile):
        if instruction.name in {"RUN", "CMD", "ENTRYPOINT", "VOLUME"}:
            assert all(isinstance(word, str) for word in instruction.array), instruction


@BOTH
def test_whatever_is_fetched_is_checked_by_its_hash(dockerfile: Path) -> None:
    installs = [set(each.array) for each in instructions(dockerfile) if each.name == "RUN" and "pip" in each.array]
    assert installs
    for words in installs:
        assert "--require-hashes" in words or {"--no-deps", "--no-build-isolation"} <= words


@BOTH
def test_what_runs_is_nobody_by_number(dockerfile: Path) -> None:
    user, group = _last(dockerfile, "USER").split(":")
    assert int(user) >= 10_000
    assert int(group) >= 10_000


def test_the_journal_is_on_the_volume_and_belongs_to_who_runs() -> None:
    [volume] = next(each for each in instructions(PENSTOCK) if each.name == "VOLUME").array
    environment = _environment(PENSTOCK)
    assert volume == f"{environment['XDG_STATE_HOME']}/penstock" == environment["TMPDIR"]
    user, group = _last(PENSTOCK, "USER").split(":")
    [made] = [each.array for each in instructions(PENSTOCK) if each.name == "RUN" and each.array[0] == "install"]
    assert {f"--owner={user}", f"--group={group}", volume} <= set(made)


def test_the_image_is_the_command_and_ends_by_sigterm() -> None:
    assert _last(PENSTOCK, "ENTRYPOINT") == '["penstock"]'
    assert _last(PENSTOCK, "STOPSIGNAL") == "SIGTERM"


@BOTH
def test_the_base_has_a_version(dockerfile: Path) -> None:
    for words in _words(dockerfile, "FROM"):
        assert re.match(r"python:3\.\d+-slim\b", words)

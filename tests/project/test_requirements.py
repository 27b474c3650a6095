"""The pinned requirements: every package by hash and from nowhere in particular, and all that the package asks for."""

from __future__ import annotations

import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = ["runtime", "rabbitmq", "dev"]

_PIN = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ]+)(?P<marker> ; .+?)? \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
)
_COMMENT = re.compile(r"^ *#.*\n", re.MULTILINE)


def _pins(name: str) -> dict[str, str]:
    """Package → version. Fails if the file holds anything else than pins with hashes."""
    text = _COMMENT.sub("", (ROOT / "requirements" / f"{name}.txt").read_text())
    assert _PIN.sub("", text).strip() == ""
    return {pin["name"]: pin["version"] for pin in _PIN.finditer(text)}


@pytest.mark.parametrize("name", PINNED)
def test_every_requirement_is_pinned_with_hashes_and_no_address(name: str) -> None:
    assert _pins(name)
    assert "://" not in (ROOT / "requirements" / f"{name}.txt").read_text()


def test_everything_the_package_and_its_build_ask_for_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"], "editables"]
    names = {re.split(r"[\[<>=; ]", requirement)[0].replace(".", "-") for requirement in asked}
    assert names <= _pins("runtime").keys()


@pytest.mark.parametrize(("one", "other"), list(combinations(PINNED, 2)))
def test_files_agree_on_what_they_share(one: str, other: str) -> None:
    shared = _pins(one).keys() & _pins(other).keys()
    assert {name: _pins(one)[name] for name in shared} == {name: _pins(other)[name] for name in shared}

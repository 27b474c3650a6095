"""What `make wheel` builds: a penstock with a compiled part, which does what the other one does."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.ours import install_compiled, python

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src"
HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"][
    "mypyc"
]


def listed() -> Sequence[Path]:
    """The files that are compiled."""
    named = [ROOT / name.lstrip("/") for name in HOOK["include"]]
    return [file for path in named for file in (sorted(path.glob("*.py")) if path.is_dir() else [path])]


@pytest.fixture(scope="module")
def compiled() -> Path:
    """A Python that has the wheel."""
    install_compiled()
    return python(compiled=True)


def test_every_file_of_the_list_is_there() -> None:
    assert [file for file in listed() if not file.exists()] == []


def test_every_module_of_the_list_is_compiled(compiled: Path, tmp_path: Path) -> None:
    names = [str(file.relative_to(SOURCES).with_suffix("")).replace("/", ".") for file in listed()]
    modules = [name.removesuffix(".__init__") for name in names]
    look = "import importlib, sys; print(*[importlib.import_module(name).__file__ for name in sys.argv[1:]], sep='\\n')"
    found = subprocess.run(
        [str(compiled), "-c", look, *modules], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert [(name, file) for name, file in zip(modules, found, strict=True) if not file.endswith((".so", ".pyd"))] == []


def test_a_run_that_is_killed_loses_and_doubles_nothing(compiled: Path, tmp_path: Path) -> None:
    """The demo: an API that stumbles, a kill, a resume, a count."""
    command = [str(compiled), "-m", "penstock", "demo", "--rows", "1000"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr[-500:]) == (0, "")


def test_nothing_compiled_is_left_in_the_sources(compiled: Path) -> None:
    """A checkout would run it, whatever is changed in the file beside it."""
    assert compiled.exists()
    assert list(SOURCES.rglob("*.so")) == []

"""`make setup` on a machine that lacks something: one line says what to install, and nothing is made."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make setup` needs of a checkout, without a .venv."""
    for name in ["Makefile", "pyproject.toml"]:
        shutil.copy(ROOT / name, tmp_path)
    for name in ["scripts", "requirements"]:
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def _python_that_differs(folder: Path, difference: str) -> Path:
    """A Python interpreter that runs `difference` before what it is asked to run by -c."""
    python = folder / "python-of-this-machine"
    python.write_text(f"""#!/bin/sh\nexec {sys.executable} -c 'import sys; {difference}; exec(sys.argv[1])' "$2"\n""")
    python.chmod(0o755)
    return python


def _make_setup(checkout: Path, python: Path) -> str:
    result = subprocess.run(
        ["make", "--no-print-directory", "setup", f"PYTHON={python}"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert not (checkout / ".venv").exists()
    [line] = (result.stdout + result.stderr).strip().splitlines()
    return line


def test_without_a_new_enough_python_one_line_says_what_to_install(checkout: Path) -> None:
    python = _python_that_differs(checkout, "sys.version_info = (3, 10, 12)")
    assert "apt-get install python3 python3-venv" in _make_setup(checkout, python)


def test_without_the_venv_module_one_line_says_what_to_install(checkout: Path) -> None:
    python = _python_that_differs(checkout, 'sys.modules["ensurepip"] = None')
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt-get install python{version}-venv" in _make_setup(checkout, python)

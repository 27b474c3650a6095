"""The two ways in which a peer is installed and started: Python in a virtual environment of its own, or Node."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.missing import Missing
from benchmarks.task import Task

_HERE = Path(__file__).parent
_INSTALLED = _HERE.parent / ".venv" / "benchmarks"


class Peer(Protocol):
    """reads: from the database. flags: marks rows in the table there, which is then checked."""

    @property
    def reads(self) -> bool: ...

    @property
    def flags(self) -> bool: ...

    def install(self) -> None:
        """Raises Missing with one line."""

    def get_ready(self, task: Task) -> None:
        """What is not measured."""

    def command(self, task: Task) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class PythonPeer:
    """program: a file of peers/. requirements: the name of its file in requirements/. arguments: what follows the task."""

    program: str
    requirements: str
    arguments: tuple[str, ...] = ()
    reads: bool = True
    flags: bool = True

    def install(self) -> None:
        pinned = _HERE / "requirements" / f"{self.requirements}.txt"
        folder = _INSTALLED / self.requirements
        if _is_installed(folder, pinned):
            return
        shutil.rmtree(folder, ignore_errors=True)
        _run("the virtual environment", [sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        _run(f"requirements/{pinned.name}", [*pip, "--require-hashes", "--requirement", str(pinned)])
        _note_installed(folder, pinned)

    def get_ready(self, task: Task) -> None:
        pass

    def command(self, task: Task) -> Sequence[str]:
        python = _INSTALLED / self.requirements / "bin" / "python"
        return [str(python), str(_HERE / "peers" / self.program), task.as_argument(), *self.arguments]


@dataclass(frozen=True, slots=True)
class NodePeer:
    """program: a file of peers/node/, beside its package.json."""

    program: str
    reads: bool = True
    flags: bool = True

    def install(self) -> None:
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise Missing("node and npm must be installed: sudo apt-get install nodejs npm")
        folder, locked = _INSTALLED / "node", _HERE / "peers" / "node" / "package-lock.json"
        if not _is_installed(folder, locked):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(locked.with_name(name), folder)
            _run("package-lock.json", ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)])
            _note_installed(folder, locked)
        # Node looks for packages beside the program and nowhere else.
        shutil.copy(locked.with_name(self.program), folder)

    def get_ready(self, task: Task) -> None:
        pass

    def command(self, task: Task) -> Sequence[str]:
        return ["node", str(_INSTALLED / "node" / self.program), task.as_argument()]


def _is_installed(folder: Path, pinned: Path) -> bool:
    stamp = folder / "installed"
    return stamp.exists() and stamp.read_text() == _digest(pinned)


def _note_installed(folder: Path, pinned: Path) -> None:
    (folder / "installed").write_text(_digest(pinned))


def _digest(pinned: Path) -> str:
    return hashlib.sha256(pinned.read_bytes()).hexdigest()


def _run(what: str, command: Sequence[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise Missing(f"{what} cannot be installed: {said[-1] if said else f'exit code {result.returncode}'}")

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
INSTALLED = _HERE.parent / ".venv" / "benchmarks"


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
        folder = INSTALLED / self.requirements
        if not is_installed(folder, pinned):
            install_python(folder, pinned)
            note_installed(folder, pinned)

    def get_ready(self, task: Task) -> None:
        pass

    def command(self, task: Task) -> Sequence[str]:
        python = INSTALLED / self.requirements / "bin" / "python"
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
        folder, locked = INSTALLED / "node", _HERE / "peers" / "node" / "package-lock.json"
        if not is_installed(folder, locked):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(locked.with_name(name), folder)
            run("package-lock.json", ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)])
            note_installed(folder, locked)
        # Node looks for packages beside the program and nowhere else.
        shutil.copy(locked.with_name(self.program), folder)

    def get_ready(self, task: Task) -> None:
        pass

    def command(self, task: Task) -> Sequence[str]:
        return ["node", str(INSTALLED / "node" / self.program), task.as_argument()]


def install_python(folder: Path, *pinned: Path) -> None:
    """A virtual environment with what these requirement files name. Raises Missing."""
    shutil.rmtree(folder, ignore_errors=True)
    run("the virtual environment", [sys.executable, "-m", "venv", str(folder)])
    for file in pinned:
        run(f"requirements/{file.name}", [*pip(folder), "install", "--require-hashes", "--requirement", str(file)])


def pip(folder: Path) -> Sequence[str]:
    return [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]


def is_installed(folder: Path, *sources: Path) -> bool:
    """Whether what is there was made of these files as they are now."""
    stamp = folder / "installed"
    return stamp.exists() and stamp.read_text() == _digest(sources)


def note_installed(folder: Path, *sources: Path) -> None:
    (folder / "installed").write_text(_digest(sources))


def _digest(sources: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()


def run(what: str, command: Sequence[str]) -> None:
    """Raises Missing with what it said last."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise Missing(f"{what} cannot be installed: {said[-1] if said else f'exit code {result.returncode}'}")

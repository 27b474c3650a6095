"""Where the demo plays: it shows each command as a person would type it, then runs just that."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from penstock.demo.processes import end

# What a person types, and how the same is started without knowing where it is installed.
_PROGRAMS = {"penstock": (sys.executable, "-m", "penstock"), "python": (sys.executable,)}


class CommandFailed(Exception):
    """A command of the demo returned what it should not have."""

    def __init__(self, command: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(f"`{command}` returned {exit_code}")


class Stage:
    """folder: where everything is made and run. console: of a terminal or a real file; the commands write to the same one."""

    def __init__(self, *, folder: Path, console: Console) -> None:
        self.folder = folder
        self.console = console

    def say(self, text: str) -> None:
        self.console.print(f"\n{text}", style="cyan", markup=False, highlight=False)

    def show(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def show_command(self, command: str) -> None:
        self.console.print(f"\n$ {command}", style="bold", markup=False, highlight=False, soft_wrap=True)

    def run(self, command: str, *, expect: tuple[int, ...] = (0,)) -> int:
        """Run it and wait; returns its exit code. Raises CommandFailed unless that was expected."""
        with self.running(command) as process:
            exit_code = process.wait()
        if exit_code not in expect:
            raise CommandFailed(command, exit_code)
        return exit_code

    @contextmanager
    def running(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run it beside us; ended on leaving, if it has not ended itself."""
        self.show_command(command)
        self.console.file.flush()
        program, *arguments = shlex.split(command)
        with subprocess.Popen(  # noqa: S603  this interpreter and our own modules
            [*_PROGRAMS[program], *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self.console.file,
            stderr=self.console.file,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    end(process)

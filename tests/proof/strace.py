"""Gets hold of a process with strace: to see its system calls, or to end or disturb it at one of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import TracebackType

from tests.proof.points import CALLS, Point


class Strace:
    """Around a process that waits to begin, and all its threads. output: every call is written there as it is made, the last one
    being where it was killed. point: None: look only."""

    def __init__(self, process: int, output: Path, point: Point | None = None) -> None:
        command = ["strace", "-f", "-p", str(process), "-o", str(output), "-e", f"trace={','.join(sorted(CALLS))}"]
        if point is not None:
            command += ["-e", f"inject={point.injection}"]
        assert shutil.which("strace"), "strace must be installed: scripts/install_strace, or your system's package"
        self._output = output
        self._strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> Strace:
        """It has got hold of the process when this returns."""
        assert self._strace.stderr is not None
        line = self._strace.stderr.readline()
        assert "attached" in line, f"strace: {line}{self._strace.stderr.read()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It ends with the process."""
        if error is not None:
            self._strace.terminate()
        self._strace.communicate(timeout=60)

    def trace(self) -> list[str]:
        """The lines, once it has ended."""
        return self._output.read_text(errors="replace").splitlines()

"""A process of a test's own that does what it is told, line by line, and ends with whoever started it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent
PATIENCE = 60.0  # seconds after which nothing more is to be expected of it


class Child:
    """A process that answers each JSON line on its stdin with one on its stdout, and ends with its stdin."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"{self._process.args!r} ended with {self._process.wait()}; it has said why on stderr"
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def ask(self, question: Mapping[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        return self.hear()

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.communicate(timeout=PATIENCE)

"""Where the journey plays: the job files, the environment that they ask for, and the commands, shown as they are run."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from examples.shop.journey.servers import Stores

from penstock.demo.processes import end

ROOT = Path(__file__).parents[3]
JOB_FILES = ROOT / "examples" / "shop" / "jobs"


class CommandFailed(Exception):
    """A command returned what it should not have."""


class Stage:
    """state: a folder for what penstock keeps on this machine."""

    def __init__(self, *, stores: Stores, state: Path) -> None:
        self._began = time.monotonic()
        self._environment: Mapping[str, str] = {
            **os.environ,
            "OLD_SHOP": stores.old,
            "NEW_SHOP": stores.new,
            "NEW_DOCUMENTS": stores.documents,
            "SHOP_TOKEN": secrets.token_hex(16),
            "XDG_STATE_HOME": str(state),
        }

    @property
    def environment(self) -> Mapping[str, str]:
        return self._environment

    def use_service(self, url: str) -> None:
        self._environment = {**self._environment, "SERVICE": url}

    def say(self, text: str) -> None:
        seconds = time.monotonic() - self._began
        print(f"\n[{seconds // 60:3.0f} min {seconds % 60:2.0f} s] {text}", flush=True)

    def penstock(self, command: str, *, expect: tuple[int, ...] = (0,)) -> int:
        """Run `penstock command` among the job files, and wait; returns its exit code."""
        with self.running(command) as process:
            exit_code = process.wait()
        if exit_code not in expect:
            raise CommandFailed(f"`penstock {command}` returned {exit_code}")
        return exit_code

    @contextmanager
    def running(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """The same beside us; ended on leaving, if it has not ended itself."""
        print(f"$ penstock {command}", flush=True)
        with subprocess.Popen(  # noqa: S603  this interpreter and penstock
            [sys.executable, "-m", "penstock", *shlex.split(command)],
            cwd=JOB_FILES,
            env=self._environment,
            stdin=subprocess.DEVNULL,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    end(process)

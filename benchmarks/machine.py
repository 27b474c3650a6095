"""What the figures were taken on, in a sentence each."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.database import Server


def described(server: Server) -> str:
    return "\n".join(f"- {line}" for line in _lines(server))


def _lines(server: Server) -> Iterator[str]:
    load = os.getloadavg()[2]
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield f"{datetime.now(UTC):%Y-%m-%d}; {_processor()}, {os.cpu_count()} cores, {gigabytes:.0f} GB; {_system()}"
    yield f"load before the run (15 minutes): {load:.1f}" + (": the machine was shared" if load > 0.5 else "")
    durable = server.ask("SELECT @@innodb_flush_log_at_trx_commit")
    yield f"{server.ask('SELECT VERSION()')}, innodb_flush_log_at_trx_commit={durable}; {_said('nginx', '-v')}"
    yield f"Python {platform.python_version()}; Node {_said('node', '--version')}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _said(program: str, option: str) -> str:
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if path is None:
        return "none"
    result = subprocess.run([path, option], capture_output=True, text=True, check=False)
    return (result.stdout or result.stderr).strip().removeprefix("nginx version: ")

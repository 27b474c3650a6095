"""Breaks one guard after the other in a copy of the tree, and shows which test fails without it.

    python scripts/mutants.py [NAME...]     all guards of scripts/guards.toml, or these
    python scripts/mutants.py --list        their names, and what each keeps true
    python scripts/mutants.py --check       whether the list still fits the code; nothing is run

Exit code 0: each broken guard was found out; 1: one was not (SURVIVED), its test is missing; 2: the list does not fit the code,
or the tests fail though nothing is broken.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from guards import LIST, Guard, faults, guards_of

# Seconds. The tests of one guard take a few; without it they may wait for what never comes.
LONGEST = 180.0

_NOT_COPIED = (".git", ".venv", ".services", ".*_cache", "__pycache__", "build", "dist")
# Found beside the tests, and the same for all of them.
_LINKED = (".venv", ".services")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::.*?)(?: - |$)", re.MULTILINE)
_TESTS_FAILED = 1  # pytest's exit code; others say that none could be run


class Copy:
    """The tree in a folder of its own, where it may be broken."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = folder / "tree"
        shutil.copytree(root, self.root, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        for name in _LINKED:
            if (root / name).exists():
                (self.root / name).symlink_to((root / name).resolve())

    def without(self, guard: Guard) -> str:
        """Run the guard's tests while it is broken. Returns what came of it, for people."""
        source = guard.source(self.root)
        whole = source.read_text()
        try:
            self._write(source, whole.replace(guard.text, guard.becomes))
            code, output = self.run(guard.tests)
        finally:
            self._write(source, whole)
        if code is None:
            return f"killed by {guard.tests[0]}, which does not end"
        if code == 0:
            return f"SURVIVED {', '.join(guard.tests)}"
        failed = _FAILED.search(output)
        if code != _TESTS_FAILED or failed is None:
            return f"NOT RUN: {_last_lines(output)}"
        return f"killed by {failed[1]}"

    def run(self, tests: Sequence[str], seconds: float = LONGEST) -> tuple[int | None, str]:
        """pytest's exit code and output, up to the first test that fails. None: it was ended, for it did not end by itself."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--tb=line", "-p", "no:cacheprovider", *tests]
        environment = os.environ | {"PYTHONPATH": str(self.root / "src"), "COLUMNS": "1000"}
        with subprocess.Popen(  # noqa: S603 (this tree's own tests)
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as pytest:
            try:
                output, _ = pytest.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(pytest.pid, signal.SIGKILL)  # and what the test has started
                output, _ = pytest.communicate()
                return None, output
        return pytest.returncode, output

    def _write(self, source: Path, text: str) -> None:
        source.write_text(text)
        # Python takes what it compiled before for this, if both are of one second and of one length.
        for compiled in (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"):
            compiled.unlink()


def main() -> int:
    arguments = _arguments()
    guards = [guard for guard in guards_of(arguments.root) if not arguments.names or guard.name in arguments.names]
    unknown = set(arguments.names) - {guard.name for guard in guards}
    wrong = [*(f"{LIST} has no {name}" for name in sorted(unknown)), *faults(guards, arguments.root)]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 2
    if arguments.list:
        print("\n".join(f"{guard.name:30} {guard.file:28} {guard.keeps}" for guard in guards))
    if arguments.list or arguments.check:
        return 0
    with tempfile.TemporaryDirectory(prefix="penstock-mutants-") as folder:
        return _run(guards, Copy(arguments.root, Path(folder)))


def _run(guards: Sequence[Guard], copy: Copy) -> int:
    began = time.monotonic()
    tests = list(dict.fromkeys(test for guard in guards for test in guard.tests))
    code, output = copy.run(tests, LONGEST + LONGEST * len(tests) / 10)
    if code != 0:
        print(f"these tests fail though nothing is broken: {_last_lines(output)}", file=sys.stderr)
        return 2
    results: list[str] = []
    for guard in guards:
        results.append(copy.without(guard))
        print(f"{guard.name:30} {results[-1]}", flush=True)
    survived = sum(result.startswith("SURVIVED") for result in results)
    not_run = sum(result.startswith("NOT RUN") for result in results)
    killed = len(results) - survived - not_run
    seconds = time.monotonic() - began
    print(f"{len(guards)} guards: {killed} killed, {survived} survived, {not_run} not run, in {seconds:.0f} s")
    return 2 if not_run else 1 if survived else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Breaks one guard after the other and shows which test fails without it."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"guards of {LIST}; all of them if none is named")
    parser.add_argument("--list", action="store_true", help="show the guards and run nothing")
    parser.add_argument("--check", action="store_true", help="see whether the list fits the code and run nothing")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent, help="of another tree")
    return parser.parse_args()


def _last_lines(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-12:])


if __name__ == "__main__":
    sys.exit(main())

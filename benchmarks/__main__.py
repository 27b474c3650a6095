"""Runs the benchmarks of this folder, each in a process of its own:  python -m benchmarks [NAME...]"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(wanted: list[str]) -> int:
    benchmarks = {file.stem: file for file in sorted(HERE.glob("*.py")) if not file.stem.startswith("_")}
    if unknown := set(wanted) - benchmarks.keys():
        print(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(benchmarks)}", file=sys.stderr
        )
        return 2
    failed = 0
    for name in wanted or benchmarks:
        print(f"\n{name}: {_purpose(benchmarks[name])}\n", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=False).returncode
    return 1 if failed else 0


def _purpose(file: Path) -> str:
    """The first line of the benchmark's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

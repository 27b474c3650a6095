"""penstock beside what else moves rows through an API, and beside its goals. It prints Markdown and judges nothing.

Without names it measures all parts. For `make bench`, rows, rounds and the size of the large table also come from the
environment: PENSTOCK_BENCH_ROWS, PENSTOCK_BENCH_ROUNDS, PENSTOCK_BENCH_LARGE.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import adaptive, goals, scale, tables, verifying
from benchmarks.cases import CASES, Case
from benchmarks.database import find_server
from benchmarks.figures import CommandFailed, Figures
from benchmarks.machine import described
from benchmarks.missing import Missing
from benchmarks.nginx import running_nginx
from benchmarks.pages import put
from benchmarks.rounds import installed, measure, say
from benchmarks.shop import template_shop

_AUTO, _LARGE, _VERIFY = "auto", "large", "verify"
_PARTS = (*dict.fromkeys(case.part for case in CASES), _AUTO, _LARGE, _VERIFY)


def main() -> int:
    wanted = _arguments()
    parts = set(wanted.parts) or set(_PARTS)
    cases = installed([case for case in CASES if case.part in parts])
    found: Mapping[Case, Figures] = {}
    adapting: list[adaptive.Adapted] = []
    large: scale.Scale | None = None
    verified: list[verifying.Verified] = []
    try:
        server = find_server()
        machine = described(server)
        with (
            TemporaryDirectory() as folder,
            running_nginx(Path(folder)) as api,
            template_shop(server, wanted.rows) as shop,
        ):
            found = measure(cases, template=shop, api=api, rounds=wanted.rounds)
            if _AUTO in parts:
                adapting = adaptive.measure(shop)
            times = max(1, wanted.large // wanted.rows)
            if _LARGE in parts:
                large = scale.measure(shop, times=times, api=api)
            if _VERIFY in parts:
                verified = verifying.measure(shop, times=times)
    except Missing as reason:
        say(f"nothing is measured: {reason}")
        return 2
    except KeyboardInterrupt:
        say("stopped: nothing is told of what was measured so far")
        return 130
    except CommandFailed as reason:
        say(f"auto, the large table or verify is left out: penstock {reason}")
    command = f"`make bench` with {wanted.rows:,} rows, {wanted.rounds} rounds, medians:"
    page = "\n".join(
        [
            f"{command}\n",
            machine,
            "",
            goals.as_table(
                [
                    *goals.of_speed(found),
                    *goals.of_adapting(adapting),
                    *goals.of_scale(large),
                    *goals.of_verifying(verified),
                ]
            ),
            "",
            tables.measured(found, wanted.rows),
            tables.adapting(adapting) if adapting else "",
            "" if large is None else tables.large(large),
            tables.verifying(verified) if verified else "",
        ]
    )
    print(page)
    if wanted.write:
        put("docs/performance.md", "all", page)
        put("README.md", "comparison", tables.beside_us(found))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(_PARTS)}")
    parser.add_argument(
        "--rows", type=_positive, default=_given("ROWS", "100000"), help="of the fast ones; slow ones get fewer"
    )
    parser.add_argument("--rounds", type=_positive, default=_given("ROUNDS", "3"), help="how often each is run")
    parser.add_argument(
        "--large", type=_positive, default=_given("LARGE", "1000000"), help="rows of the large table, and of verify"
    )
    parser.add_argument("--write", action="store_true", help="also into docs/performance.md and README.md")
    wanted = parser.parse_args()
    if unknown := set(wanted.parts) - set(_PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are: {', '.join(_PARTS)}")
    if wanted.write and wanted.parts:
        parser.error("--write takes no parts: the pages show figures of one run")
    return wanted


def _given(name: str, otherwise: str) -> str:
    """argparse reads defaults that are text as it reads arguments, and says what is wrong with them."""
    return os.environ.get(f"PENSTOCK_BENCH_{name}", otherwise)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

"""Prints docs/reference/types.md: what becomes of each type, from the table of cases that the tests run through.

python scripts/write_types_reference.py > docs/reference/types.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.data.key_cases import KeyCase, RefusedKey  # noqa: E402  the tests are no package that is installed
from tests.data.key_tables import KEYS, REFUSED  # noqa: E402
from tests.data.type_cases import Section, TypeCase  # noqa: E402
from tests.data.type_tables import TABLES  # noqa: E402

_MOST_SHOWN = 60
_KEYS_SHOWN = 3

_INTRODUCTION = """\
# Types

Written by `scripts/write_types_reference.py` from the cases in `tests/data`: every line is a test, on a real server, of a value
that was stored, read, mapped and written to the wire.

"In an expression" is what `{{ column }}` is, in the words of [Expressions](expressions.md); alone it keeps that type and goes out
as the next column of the table says. `NULL` is `null`, whatever the type. Text is UTF-8, whatever the table's charset. Generated
columns are like any other.
"""

_CLOSING = """
## Values that have no form

"The row fails" means: that row alone, if its mapping uses the column, and the reason names it. A way out for each:

- **Zero dates** (`0000-00-00`, `2016-00-00`): `source.zero_dates: null` sends `null`.
- **Text that is no date**, in a column of SQLite that claims dates: make it one, or `NULL`, in the query.
- **Bytes that are no text** of the column's charset, left by a wrong conversion long ago: `CAST(name AS BINARY)` in the query
  shows the bytes; `CONVERT(CAST(name AS BINARY) USING latin1)` reads them as what they are.
- **Text encoded twice** (`MÃ¼ller`) is text like any other, and goes out as it is. `penstock check` looks at the first 1,000 rows
  and says which columns look so, with the line for the query that reads them as they were meant.
- **JSON that names two values alike**: one of them would be lost. `JSON_MERGE_PATCH('{}', column)` in the query keeps the last.
- **NaN and infinity**: JSON has no such numbers. `{{ column | default(none) }}` does not help, for the value is not missing: make
  it `NULL` in the query.

## Clocks

- `DATETIME` (PostgreSQL: `timestamp`) holds what a clock on the wall showed. `source.timezone` says where it hung; a query that
  has such a column is refused without it.
- penstock's sessions are in UTC. On MySQL, `FROM_UNIXTIME()`, `NOW()`, `CURDATE()` and their like give a `DATETIME` on the
  *session's* wall, which would then be read as one in `source.timezone`. Use the number itself (`{{ column }}` of the `INT`), or
  convert it: `CONVERT_TZ(FROM_UNIXTIME(created), '+00:00', '+08:00')`. On PostgreSQL, `LOCALTIMESTAMP`, `CURRENT_DATE` and a
  `timestamptz` that is cast to `timestamp` or `date` do the same: say the zone, `created AT TIME ZONE 'Asia/Shanghai'`.
  `penstock check` names the functions.

## Keys

Only the database ever compares keys, so its collation decides what comes next; in the ledger two keys are the same if they are
written the same. Each of these was read by pages of one to seven rows and moved by a whole run, every row once. On the right,
keys in the order of the database, as `penstock rows --json` shows them.

A key may be several columns. None of them may be `NULL` in a row of the query, and no two rows may share one: a run refuses both
when it meets them, before such a row is sent (`penstock check --deep` looks beforehand). On MySQL an `ENUM` is named by the
number of its member, by which the server orders it, and a `SET` by its bits.
"""


def main() -> None:
    sys.stdout.write(_INTRODUCTION)
    for database, sections in TABLES.items():
        sys.stdout.write(f"\n## {database}\n")
        for section in sections:
            sys.stdout.write("\n".join(["", *_section(section), ""]))
    sys.stdout.write(_CLOSING)
    for database, cases in KEYS.items():
        sys.stdout.write("\n".join(["", f"### {database}: what names a row", "", *_keys(cases), ""]))
        sys.stdout.write("\n".join(["", f"### {database}: what does not", "", *_refused(REFUSED[database]), ""]))


def _section(section: Section) -> Iterator[str]:
    yield f"### {section.title}"
    yield ""
    if section.text:
        yield section.text
        yield ""
    yield "| column | stored | in an expression | on the wire | |"
    yield "|---|---|---|---|---|"
    for case in section.cases:
        yield _line(_code(case.declared), _code(case.stored), *_becomes(case), case.note)


def _becomes(case: TypeCase) -> tuple[str, str]:
    if case.fails:
        return "the row fails", case.fails
    return case.value, _code(case.wire)


def _keys(cases: Sequence[KeyCase]) -> Iterator[str]:
    yield "| key | columns | shown as |"
    yield "|---|---|---|"
    for case in cases:
        shown = ", ".join(_code(key) for key in case.keys[:_KEYS_SHOWN])
        yield _line(
            case.title,
            _code(case.columns.replace(" NOT NULL", "").strip()),
            f"{shown}{', …' if len(case.keys) > _KEYS_SHOWN else ''}",
        )


def _refused(cases: Sequence[RefusedKey]) -> Iterator[str]:
    yield "| column | instead, if that tells the rows apart |"
    yield "|---|---|"
    for case in cases:
        yield _line(_code(case.declared), _code(case.instead) if case.instead else "another key")


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    """Invisible characters are spelled out; what is long is cut."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    shown = shown if len(shown) <= _MOST_SHOWN else shown[:_MOST_SHOWN] + "…"
    return f"`{shown}`" if shown else ""


if __name__ == "__main__":
    main()

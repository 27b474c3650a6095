"""Prints docs/reference/data-faults.md: each fault of data with its tests, which carry its id in their names.

python scripts/write_data_faults_reference.py > docs/reference/data-faults.md
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from fault_tests import linked, tests_by_fault

# id → what may be wrong with the data, and what becomes of it.
FAULTS: Mapping[str, tuple[str, str]] = {
    "D1": ("`NULL` in columns of every type", "`null`, told from an empty text and from 0"),
    "D2": ("`DECIMAL` with more digits than a double", "every digit arrives, trailing zeros too"),
    "D3": ("`BIGINT UNSIGNED` beyond 2⁵³ and 2⁶³", "every digit arrives"),
    "D4": ("`FLOAT`, of which the server shows six digits", "the shortest number that is exactly the stored value"),
    "D5": (
        "`0000-00-00`, `2016-00-00`",
        "the row fails and the column is named; `null` where `source.zero_dates` says so",
    ),
    "D6": ("`TIME` beyond a day, or negative", "text as the database writes it: `838:59:59`"),
    "D7": ("`TIMESTAMP` in the hour that comes twice, or in a server of another zone", "the moment, with its offset"),
    "D8": ("`DATETIME`, which has no zone, and none is declared", "refused before anything is made or sent"),
    "D9": (
        "emoji, combining letters, right-to-left text, NUL; half of a surrogate pair",
        "to the byte; that half fails its row",
    ),
    "D10": (
        "UTF-8 that was written as latin1: text encoded twice",
        "sent as it is; `check` tells the columns, and the SQL that reads them",
    ),
    "D11": (
        "bytes that are no text of the column's charset",
        "that row fails, the column is named; the others of its page arrive",
    ),
    "D12": ("a `BLOB` of 16 MB", "base64, whole"),
    "D13": (
        "JSON with `1.0`, large numbers, an order of names, a name that stands twice",
        "as it is; what would lose a value fails its row",
    ),
    "D14": ("the error value of an `ENUM`; `SET`, `BIT`, `YEAR`, `GEOMETRY`", "one documented form each"),
    "D15": ("`TINYINT(1)` that holds 2 and -1", "the integer; the mapping says what is true"),
    "D16": ("keys of several columns, `('a','bc')` and `('ab','c')`", "one row each"),
    "D17": ("text keys of a collation that ignores case or accents", "the database's order; no row is skipped"),
    "D18": ("trailing blanks, invisible letters, ß and İ in keys", "different where the database says so"),
    "D19": ("keys like `1`, `01`, `1abc`", "bound as text: one row is found, one is flagged"),
    "D20": ("a key that is `NULL` or not unique", "refused, with a way out; of two rows with one key neither is sent"),
    "D21": ("rows inserted below the cursor (UUIDs)", "found by the closing sweep; they arrive once"),
    "D22": ("a row committed late by a long transaction", "found by the closing sweep"),
    "D23": ("a row updated before it is sent", "its newer form goes out; a digest of what was sent is kept"),
    "D24": ("a row updated after it went out", "imported; the digest of what was sent tells the change"),
    "D25": (
        "a row deleted before it is sent",
        "not read any more; if it waited in the ledger: skipped, with the reason",
    ),
    "D26": ("a row whose key changes", "the new key is another row, found by the closing sweep"),
    "D27": ("a flag taken back by the old application", "the ledger knows better: nothing is sent again"),
    "D28": ("a flag set before by another tool", "skipped, with the reason; the flag stays"),
    "D29": ("a row on which the mapping fails", "it fails, field and column are named, no value is shown"),
    "D30": ("a body that is too large", "the row fails with the size; 5 MB of text are not too large"),
    "D31": ("text that looks like an expression", "text"),
    "D32": (
        "line breaks in what goes into a header or the path",
        "the row fails; in the path they are percent-encoded",
    ),
    "D33": ("no row, one row, very many rows", "nothing special; memory does not grow with the table"),
}

_INTRODUCTION = """\
# Faults of data

Written by `scripts/write_data_faults_reference.py` from the names of the tests. Old data is full of surprises; these were looked
for on purpose. Each test writes the fault into a real database, most of them run a whole job against an HTTP server that
remembers every byte, and then count: each row that can arrive has arrived once and has its flag, each other one says why not.

| | what is wrong with the data | what becomes of it | tests |
|---|---|---|---|
"""


def main() -> int:
    tests = tests_by_fault("d")
    unproven = [fault for fault in FAULTS if fault not in tests]
    unknown = [fault for fault in tests if fault not in FAULTS]
    if unproven or unknown:
        print(f"no test: {unproven}; no line here: {unknown}", file=sys.stderr)
        return 1
    sys.stdout.write(_INTRODUCTION)
    for fault, (wrong, becomes) in FAULTS.items():
        sys.stdout.write(f"| {fault} | {wrong} | {becomes} | {linked(tests[fault])} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

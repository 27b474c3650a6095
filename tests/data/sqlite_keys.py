"""Keys on SQLite, where a value has a type and a column a preference."""

from __future__ import annotations

from tests.data.key_cases import KeyCase, RefusedKey

SQLITE_KEYS = (
    KeyCase(
        "integer",
        "k INTEGER NOT NULL",
        ("7", "-5", "9223372036854775807", "0", "-9223372036854775808"),
        ("-9223372036854775808", "-5", "0", "7", "9223372036854775807"),
    ),
    KeyCase(
        "decimal",
        "k DECIMAL(10,2) NOT NULL",
        ("12.5", "12", "-1.05", "0.1", "100000000000000.25"),
        ("-1.05", "0.1", "12", "12.5", "100000000000000.25"),
    ),
    KeyCase(
        "text",
        "k TEXT NOT NULL",
        ("'a'", "'B'", "'b'", "'A'", "'é'", "''", "'1'", "'01'", "'a '"),
        ('""', '"01"', '"1"', '"A"', '"B"', '"a"', '"a "', '"b"', '"é"'),
    ),
    KeyCase(
        "text, case ignored",
        "k TEXT COLLATE NOCASE NOT NULL",
        ("'a'", "'C'", "'B'", "'é'", "'É'"),
        ('"a"', '"B"', '"C"', '"É"', '"é"'),
        fault="D17",
    ),
    KeyCase(
        "text, blanks at its end ignored",
        "k TEXT COLLATE RTRIM NOT NULL",
        ("'b '", "' a'", "'a'"),
        ('" a"', '"a"', '"b "'),
        fault="D18",
    ),
    KeyCase(
        "uuid",
        "k UUID NOT NULL",
        (
            "'123e4567-e89b-12d3-a456-426655440000'",
            "'00000000-0000-1000-8000-000000000000'",
            "'017f22e2-79b0-7cc3-98c4-dc0c0c07398f'",
        ),
        (
            '"00000000-0000-1000-8000-000000000000"',
            '"017f22e2-79b0-7cc3-98c4-dc0c0c07398f"',
            '"123e4567-e89b-12d3-a456-426655440000"',
        ),
    ),
    KeyCase(
        "bytes",
        "k BLOB NOT NULL",
        ("x'FF27'", "x'00'", "x''", "x'0000'"),
        ('{"bytes":""}', '{"bytes":"00"}', '{"bytes":"0000"}', '{"bytes":"ff27"}'),
    ),
    KeyCase(
        "date",
        "k DATE NOT NULL",
        ("'2024-02-29'", "'0000-00-00'", "'1999-12-31'"),
        ('"0000-00-00"', '"1999-12-31"', '"2024-02-29"'),
    ),
    KeyCase(
        "of every type", "k NOT NULL", ("'a'", "x'31'", "1", "'1'", "-1"), ("-1", "1", '"1"', '"a"', '{"bytes":"31"}')
    ),
    KeyCase(
        "texts whose seam could be anywhere",
        "a TEXT NOT NULL, b TEXT NOT NULL",
        ("'a', 'bc'", "'ab', 'c'", "'a|b', 'c'", "'a', 'b|c'", "'', 'abc'", "'abc', ''"),
        ('["","abc"]', '["a","bc"]', '["a","b|c"]', '["ab","c"]', '["abc",""]', '["a|b","c"]'),
        names=("a", "b"),
        fault="D16",
    ),
    KeyCase(
        "types mixed",
        "a TEXT COLLATE NOCASE NOT NULL, b DECIMAL(8,2) NOT NULL, c BLOB NOT NULL",
        ("'x', 1.5, x'00'", "'X', 1.5, x'01'", "'x', 1, x'00'", "'X', 12.25, x'00'", "'a', 9, x'00'", "'B', 0.5, x''"),
        (
            '["a",9,{"bytes":"00"}]',
            '["B",0.5,{"bytes":""}]',
            '["x",1,{"bytes":"00"}]',
            '["x",1.5,{"bytes":"00"}]',
            '["X",1.5,{"bytes":"01"}]',
            '["X",12.25,{"bytes":"00"}]',
        ),
        names=("a", "b", "c"),
        fault="D16",
    ),
)

SQLITE_REFUSED = (
    RefusedKey("REAL", "'k' is floating-point", "1.5", "SELECT CAST(k AS TEXT) AS k FROM t"),
    RefusedKey("DOUBLE PRECISION", "'k' is floating-point", "1.5", "SELECT CAST(k AS TEXT) AS k FROM t"),
    RefusedKey(
        "JSON", "'k' is JSON", """'{"id": "A-1"}'""", "SELECT CAST(JSON_EXTRACT(k, '$.id') AS TEXT) AS k FROM t"
    ),
)

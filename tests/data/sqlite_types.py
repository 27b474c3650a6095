"""SQLite's part of the table of types."""

from __future__ import annotations

from tests.data.type_cases import Section, TypeCase

SQLITE = (
    Section(
        "Numbers",
        (
            TypeCase("INTEGER", "-9223372036854775808", "integer", "-9223372036854775808"),
            TypeCase("BOOLEAN", "TRUE", "integer", "1"),
            TypeCase("REAL", "5.2", "FLOAT", "5.2"),
            TypeCase("REAL", "9e999", fails="inf is not a number that JSON knows"),
            TypeCase("DECIMAL(10,2)", "12.5", "DECIMAL", "12.50", note="at least the digits that the column declares"),
            TypeCase("NUMERIC(10,2)", "12", "DECIMAL", "12.00"),
            TypeCase("DECIMAL(10,2)", "12.345", "DECIMAL", "12.345"),
            TypeCase("DECIMAL(10,2)", "'n/a'", "text", '"n/a"', note="SQLite stores text where it was given text"),
            TypeCase(
                "DECIMAL(30,10)",
                "'12345678901234567890.0123456789'",
                "DECIMAL",
                "12345678901234567000.0000000000",
                note="SQLite stores a floating-point number there, of some 15 digits; text keeps all",
            ),
            TypeCase("TEXT", "'12345678901234567890.0123456789'", "text", '"12345678901234567890.0123456789"'),
        ),
    ),
    Section(
        "Text and bytes",
        (
            TypeCase("TEXT", "'naïve 😀'", "text", '"naïve 😀"'),
            TypeCase("TEXT", "'a' || CHAR(0) || 'b'", "text", r'"a\u0000b"'),
            TypeCase("TEXT", "CAST(x'E941' AS TEXT)", fails="the bytes stored there are no UTF-8 text"),
            TypeCase("DATE", "CAST(x'FF' AS TEXT)", fails="the bytes stored there are no UTF-8 text"),
            TypeCase("BLOB", "x'00FF27'", "BLOB", '"AP8n"', note="base64"),
            TypeCase("", "4", "integer", "4", note="a column without a type shows what was stored"),
            TypeCase("JSON", """'{"b": 1.0, "a": null}'""", "object", '{"b":1.0,"a":null}'),
            TypeCase("JSON", "'{oops'", fails="the text is no JSON"),
            TypeCase("JSON", r"""'"\ud800"'""", fails="half of a surrogate pair"),
            TypeCase("JSON", """'{"a": 1, "a": 2}'""", fails="the name 'a' stands twice in one object"),
            TypeCase("JSON", "'[NaN]'", fails="NaN is no JSON number"),
        ),
    ),
    Section(
        "Dates and times",
        (
            TypeCase("DATE", "'2024-02-29'", "DATE", '"2024-02-29"'),
            TypeCase("DATETIME", "'2024-02-29 01:02:03'", "DATETIME", '"2024-02-29T01:02:03+08:00"'),
            TypeCase("TIMESTAMP", "'2024-02-29T01:02:03.25'", "DATETIME", '"2024-02-29T01:02:03.250000+08:00"'),
            TypeCase(
                "DATETIME",
                "'2024-02-29T01:02:03+01:00'",
                "DATETIME",
                '"2024-02-29T01:02:03+01:00"',
                note="in its own zone",
            ),
            TypeCase("DATETIME", "'2024-02-29 01:02:03Z'", "DATETIME", '"2024-02-29T01:02:03+00:00"'),
            TypeCase(
                "DATETIME", "1709168523", "integer", "1709168523", note="seconds and Julian days cannot be told apart"
            ),
            TypeCase("TIME", "'25:00:00'", "text", '"25:00:00"'),
            TypeCase("DATE", "'31.12.2024'", fails="'31.12.2024' is no date of the calendar"),
            TypeCase("DATE", "'2023-02-30'", fails="'2023-02-30' is no date of the calendar"),
            TypeCase("DATE", "'0000-00-00'", fails="'0000-00-00' is no date; set source.zero_dates: null"),
        ),
        text="With `source.timezone: Asia/Shanghai`:",
    ),
    Section(
        "The same, sent as null",
        (
            TypeCase("DATE", "'0000-00-00'", "NULL", "null"),
            TypeCase("DATETIME", "'0000-00-00 00:00:00'", "NULL", "null"),
        ),
        text="With `source.zero_dates: null`:",
        zero_dates="null",
    ),
)

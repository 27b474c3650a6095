"""MariaDB's part of the table of types; MySQL's types of the same names mean the same."""

from __future__ import annotations

from tests.data.type_cases import Section, TypeCase

_NO_TEXT = "the bytes stored there are no UTF-8 text"

MARIADB = (
    Section(
        "Numbers",
        (
            TypeCase("TINYINT(1)", "-1", "integer", "-1", note="also called BOOL: what was stored, not true and false"),
            TypeCase("BOOL", "2", "integer", "2"),
            TypeCase("SMALLINT UNSIGNED", "65535", "integer", "65535"),
            TypeCase("INT(6) ZEROFILL", "42", "integer", "42", note="the zeros in front are for show"),
            TypeCase("BIGINT", "-9223372036854775808", "integer", "-9223372036854775808"),
            TypeCase(
                "BIGINT UNSIGNED",
                "18446744073709551615",
                "integer",
                "18446744073709551615",
                note='JavaScript rounds numbers beyond 9007199254740991: send `"{{ v | string }}"` to such an API',
            ),
            TypeCase("DECIMAL(10,2)", "1.1", "DECIMAL", "1.10"),
            TypeCase(
                "DECIMAL(30,10)",
                "'12345678901234567890.0123456789'",
                "DECIMAL",
                "12345678901234567890.0123456789",
            ),
            TypeCase(
                "DECIMAL(65,30)", "'-0.000000000000000000000000000001'", "DECIMAL", "-0.000000000000000000000000000001"
            ),
            TypeCase("DECIMAL(6,2) ZEROFILL", "1.5", "DECIMAL", "1.50"),
            TypeCase("FLOAT", "5.2", "FLOAT", "5.2"),
            TypeCase(
                "FLOAT",
                "1.23456789",
                "FLOAT",
                "1.2345679",
                note="the shortest number that is this single precision value",
            ),
            TypeCase("FLOAT", "16777217", "FLOAT", "16777216.0"),
            TypeCase("FLOAT", "-3.4028234663852886e38", "FLOAT", "-3.4028235e+38"),
            TypeCase("FLOAT", "1e-45", "FLOAT", "1e-45"),
            TypeCase("DOUBLE", "0.1e0 + 0.2e0", "FLOAT", "0.30000000000000004"),
            TypeCase("DOUBLE", "1.7976931348623157e308", "FLOAT", "1.7976931348623157e+308"),
            TypeCase("DOUBLE", "5e-324", "FLOAT", "5e-324"),
            TypeCase("BIT(1)", "1", "integer", "1"),
            TypeCase("BIT(10)", "b'1000000001'", "integer", "513"),
            TypeCase("BIT(64)", "18446744073709551615", "integer", "18446744073709551615"),
            TypeCase("YEAR", "1999", "integer", "1999"),
            TypeCase("YEAR", "'0000'", "integer", "0"),
        ),
    ),
    Section(
        "Text",
        (
            TypeCase("VARCHAR(20)", "'naïve ❤️ 😀'", "text", '"naïve ❤️ 😀"'),
            TypeCase(
                "VARCHAR(20)",
                "'e\u0301 \u05e9\u05dc\u05d5\u05dd\u200e'",
                "text",
                '"e\u0301 \u05e9\u05dc\u05d5\u05dd\u200e"',
                note="nothing is composed, turned or trimmed",
            ),
            TypeCase("VARCHAR(20)", "''", "text", '""', note="not the same as NULL"),
            TypeCase("VARCHAR(20)", "'a  '", "text", '"a  "'),
            TypeCase("CHAR(5)", "'a  '", "text", '"a"', note="the server itself drops what fills a CHAR up"),
            TypeCase("TEXT", r"'a\0b\\\r\n'", "text", r'"a\u0000b\\\r\n"', note="NUL as any other character"),
            TypeCase("TEXT", "'{{ 7 * 7 }}'", "text", '"{{ 7 * 7 }}"', note="never read as an expression"),
            TypeCase(
                "VARCHAR(9) CHARACTER SET latin1", "'é€'", "text", '"é€"', note="UTF-8 whatever the column's charset"
            ),
            TypeCase("VARCHAR(9) CHARACTER SET utf8mb3", "'漢字'", "text", '"漢字"'),
            TypeCase("VARCHAR(9) CHARACTER SET gbk", "'漢字'", "text", '"漢字"'),
            TypeCase("VARCHAR(9) CHARACTER SET utf16", "'😀'", "text", '"😀"'),
            TypeCase(
                "VARCHAR(9) CHARACTER SET latin1",
                "x'C3A9'",
                "text",
                '"Ã©"',
                note="UTF-8 written as latin1 long ago: `penstock check` tells such columns, and how to read them",
            ),
            TypeCase(
                "VARCHAR(9) CHARACTER SET utf8mb3",
                "CONVERT(x'41EDA080' USING utf8mb3)",
                fails=_NO_TEXT,
                note="half of a surrogate pair, which the server takes for a character",
            ),
            TypeCase("ENUM('x','y')", "'y'", "text", '"y"'),
            TypeCase(
                "ENUM('x','y')", "'nope'", "text", '""', note="what was no member when it was written", careless=True
            ),
            TypeCase("SET('p','q','r')", "'r,p'", "list", '["p","r"]'),
            TypeCase("SET('p','q','r')", "''", "list", "[]"),
            TypeCase(
                "UUID",
                "'123E4567-E89B-12D3-A456-426655440000'",
                "text",
                '"123e4567-e89b-12d3-a456-426655440000"',
                note="MariaDB",
            ),
            TypeCase("INET6", "'::1'", "text", '"::1"', note="MariaDB"),
        ),
    ),
    Section(
        "Bytes",
        (
            TypeCase("VARBINARY(9)", "x'00FF27'", "BLOB", '"AP8n"', note="base64"),
            TypeCase("BINARY(4)", "'a'", "BLOB", '"YQAAAA=="', note="filled up with zero bytes, as the server does"),
            TypeCase("BLOB", "x''", "BLOB", '""'),
            TypeCase("TEXT CHARACTER SET binary", "'é'", "BLOB", '"w6k="'),
            TypeCase(
                "GEOMETRY",
                "POINT(1, 2)",
                "BLOB",
                '"AAAAAAEBAAAAAAAAAAAA8D8AAAAAAAAAQA=="',
                note="as MySQL stores it; better `ST_AsGeoJSON(v)` or `ST_AsText(v)` in the query",
            ),
        ),
    ),
    Section(
        "JSON",
        (
            TypeCase("JSON", """'{"b": 1.0, "a": [true, null, "x"]}'""", "object", '{"b":1.0,"a":[true,null,"x"]}'),
            TypeCase("JSON", "'12345678901234567890123'", "integer", "12345678901234567890123"),
            TypeCase("JSON", "'0.10000000000000000001'", "DECIMAL", "0.10000000000000000001", note="no digit is lost"),
            TypeCase("JSON", "'1e400'", "DECIMAL", "1E+400"),
            TypeCase("JSON", r"""'"\\u0000"'""", "text", r'"\u0000"'),
            TypeCase("JSON", "'null'", "NULL", "null", note="on the wire it cannot be told from NULL"),
            TypeCase("JSON", """'{"a": 1, "a": 2}'""", fails="the name 'a' stands twice in one object"),
        ),
        text="MariaDB keeps JSON as text with a check. It is known as JSON where the column comes unchanged from a table;\n"
        "behind an expression or a `UNION` it is text: `{{ column | from_json }}`.",
    ),
    Section(
        "Dates and times",
        (
            TypeCase("DATE", "'2024-02-29'", "DATE", '"2024-02-29"'),
            TypeCase("DATE", "'0001-01-01'", "DATE", '"0001-01-01"'),
            TypeCase("DATETIME", "'2024-02-29 01:02:03'", "DATETIME", '"2024-02-29T01:02:03+08:00"'),
            TypeCase("DATETIME(3)", "'2024-02-29 01:02:03.5'", "DATETIME", '"2024-02-29T01:02:03.500000+08:00"'),
            TypeCase("DATETIME", "'9999-12-31 23:59:59'", "DATETIME", '"9999-12-31T23:59:59+08:00"'),
            TypeCase(
                "TIMESTAMP NULL",
                "'2024-02-29 01:02:03'",
                "DATETIME",
                '"2024-02-29T09:02:03+08:00"',
                note="a moment, here written by a session in UTC",
            ),
            TypeCase(
                "TIMESTAMP(6) NULL", "'2038-01-19 03:14:07.000001'", "DATETIME", '"2038-01-19T11:14:07.000001+08:00"'
            ),
            TypeCase("TIME", "'838:59:59'", "text", '"838:59:59"', note="a length, not a time of day"),
            TypeCase("TIME", "'-838:59:59'", "text", '"-838:59:59"'),
            TypeCase("TIME(3)", "'-00:00:00.25'", "text", '"-00:00:00.250000"'),
            TypeCase("TIME", "'24:00:00'", "text", '"24:00:00"'),
        ),
        text="With `source.timezone: Asia/Shanghai`:",
    ),
    Section(
        "Clocks that are put forward and back",
        (
            TypeCase("TIMESTAMP NULL", "'2024-10-27 00:30:00'", "DATETIME", '"2024-10-27T03:30:00+03:00"'),
            TypeCase(
                "TIMESTAMP NULL",
                "'2024-10-27 01:30:00'",
                "DATETIME",
                '"2024-10-27T03:30:00+02:00"',
                note="the same hour again",
            ),
            TypeCase(
                "DATETIME",
                "'2024-10-27 03:30:00'",
                "DATETIME",
                '"2024-10-27T03:30:00+03:00"',
                note="of an hour that came twice, the first one",
            ),
            TypeCase(
                "DATETIME",
                "'2024-03-31 03:30:00'",
                "DATETIME",
                '"2024-03-31T03:30:00+02:00"',
                note="an hour that was skipped: with the offset from before",
            ),
        ),
        text="With `source.timezone: Europe/Athens`. A `DATETIME` holds what a clock on the wall showed; a `TIMESTAMP` holds a\n"
        "moment, and has neither trouble.",
        timezone="Europe/Athens",
    ),
    Section(
        "Moments without a zone of the job's",
        (TypeCase("TIMESTAMP NULL", "'2024-02-29 01:02:03'", "DATETIME", '"2024-02-29T01:02:03+00:00"'),),
        text="Without `source.timezone` a `TIMESTAMP` is shown in UTC. A query that has a `DATETIME` is refused without it.",
        timezone=None,
    ),
    Section(
        "Dates that are none",
        (
            TypeCase(
                "DATE", "'0000-00-00'", fails="'0000-00-00' is no date; set source.zero_dates: null", careless=True
            ),
            TypeCase(
                "DATE", "'2016-00-00'", fails="'2016-00-00' is no date; set source.zero_dates: null", careless=True
            ),
            TypeCase("DATETIME", "'0000-00-00 00:00:00'", fails="'0000-00-00 00:00:00' is no date", careless=True),
            TypeCase(
                "TIMESTAMP NULL", "'0000-00-00 00:00:00'", fails="'0000-00-00 00:00:00' is no date", careless=True
            ),
        ),
    ),
    Section(
        "The same, sent as null",
        (
            TypeCase("DATE", "'0000-00-00'", "NULL", "null", careless=True),
            TypeCase("DATE", "'2016-01-00'", "NULL", "null", careless=True),
            TypeCase("DATETIME(6)", "'0000-00-00 00:00:00'", "NULL", "null", careless=True),
            TypeCase("TIMESTAMP NULL", "'0000-00-00 00:00:00'", "NULL", "null", careless=True),
        ),
        text="With `source.zero_dates: null`:",
        zero_dates="null",
    ),
)

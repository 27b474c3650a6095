"""PostgreSQL's part of the table of types."""

from __future__ import annotations

from tests.data.type_cases import Section, TypeCase

_UUID = "123e4567-e89b-12d3-a456-426655440000"
_BEYOND = "is not within the years 1 to 9999"

# What the test makes before its table.
TYPES = (
    "CREATE TYPE mood AS ENUM ('sad', 'so so', 'happy')",
    "CREATE TYPE pair AS (a integer, b text)",
    "CREATE DOMAIN cents AS integer CHECK (VALUE >= 0)",
    "CREATE DOMAIN payload AS jsonb",
    "CREATE EXTENSION citext",
    "CREATE EXTENSION hstore",
)

POSTGRESQL = (
    Section(
        "Numbers",
        (
            TypeCase("smallint", "-32768", "integer", "-32768"),
            TypeCase("bigint", "9223372036854775807", "integer", "9223372036854775807"),
            TypeCase("numeric(10,2)", "1.1", "DECIMAL", "1.10"),
            TypeCase("numeric(30,10)", "12345678901234567890.0123456789", "DECIMAL", "12345678901234567890.0123456789"),
            TypeCase("numeric", "1e40", "DECIMAL", "1" + 40 * "0", note="exact, whatever its length"),
            TypeCase("numeric", "'NaN'", fails="NaN is not a number that JSON knows"),
            TypeCase("numeric", "'-Infinity'", fails="-Infinity is not a number that JSON knows"),
            TypeCase("real", "5.2", "FLOAT", "5.2"),
            TypeCase(
                "real", "1.23456789", "FLOAT", "1.2345679", note="the shortest that is this single precision value"
            ),
            TypeCase("double precision", "0.1::float8 + 0.2::float8", "FLOAT", "0.30000000000000004"),
            TypeCase("double precision", "'NaN'", fails="nan is not a number that JSON knows"),
            TypeCase("double precision", "'Infinity'", fails="inf is not a number that JSON knows"),
            TypeCase("boolean", "true", "boolean", "true"),
            TypeCase(
                "money",
                "1234.5",
                "text",
                '"$1,234.50"',
                note="as the server's locale writes it; `v::numeric` is a number",
            ),
            TypeCase("bit(10)", "'1000000001'", "text", '"1000000001"', note="`v::integer` is a number"),
            TypeCase("varbit", "B'0010'", "text", '"0010"'),
            TypeCase("cents", "5", "integer", "5", note="a domain over integer: domains are what lies under them"),
        ),
    ),
    Section(
        "Text",
        (
            TypeCase("text", r"'naïve ❤️ 😀 \ ?%s $1 {{ 7 * 7 }}'", "text", r'"naïve ❤️ 😀 \\ ?%s $1 {{ 7 * 7 }}"'),
            TypeCase("varchar(20)", "'a  '", "text", '"a  "'),
            TypeCase("char(4)", "'ab'", "text", '"ab  "', note="filled up with blanks, as the server shows it"),
            TypeCase("citext", "'Ab'", "text", '"Ab"'),
            TypeCase("mood", "'so so'", "text", '"so so"', note="an enum"),
            TypeCase("uuid", f"'{_UUID.upper()}'", "text", f'"{_UUID}"'),
            TypeCase("inet", "'192.168.0.1/24'", "text", '"192.168.0.1/24"'),
            TypeCase("inet", "'::1'", "text", '"::1"'),
            TypeCase("cidr", "'2001:db8::/32'", "text", '"2001:db8::/32"'),
            TypeCase("macaddr", "'08-00-2B-01-02-03'", "text", '"08:00:2b:01:02:03"'),
            TypeCase("xml", "'<a>b</a>'", "text", '"<a>b</a>"'),
            TypeCase("name", "'pg_class'", "text", '"pg_class"'),
            TypeCase('"char"', "'x'", "text", '"x"'),
        ),
    ),
    Section(
        "Bytes, JSON and arrays",
        (
            TypeCase("bytea", r"'\x00FF27'", "BLOB", '"AP8n"', note="base64"),
            TypeCase(
                "json",
                """'{"b": 1.0, "a": 12345678901234567890123, "n": null}'""",
                "object",
                '{"b":1.0,"a":12345678901234567890123,"n":null}',
                note="never rounded, names in their order",
            ),
            TypeCase("json", """'{"a": 1, "a": 2}'""", fails="the name 'a' stands twice in one object"),
            TypeCase("jsonb", "'[1.10, true]'", "list", "[1.10,true]"),
            TypeCase("payload", """'{"a": 1.0}'""", "object", '{"a":1.0}', note="a domain over jsonb"),
            TypeCase("integer[]", "'{{1,2},{3,NULL}}'", "list", "[[1,2],[3,null]]"),
            TypeCase("numeric[]", "'{1.10,2}'", "list", "[1.10,2]"),
            TypeCase("real[]", "'{5.2}'", "list", "[5.2]"),
            TypeCase("text[]", """'{"a,b",NULL,""}'""", "list", '["a,b",null,""]'),
            TypeCase("jsonb[]", """ARRAY['{"a": 1.0}'::jsonb]""", "list", '[{"a":1.0}]'),
            TypeCase("mood[]", "'{happy}'", "list", '["happy"]'),
            TypeCase("citext[]", "'{X,y}'", "list", '["X","y"]'),
            TypeCase("timestamp[]", "'{2024-02-29 01:02}'", "list", '["2024-02-29T01:02:00+08:00"]'),
            TypeCase("date[]", "'{2024-01-01,infinity}'", fails=f"'infinity' {_BEYOND}"),
        ),
    ),
    Section(
        "Dates and times",
        (
            TypeCase("date", "'2024-02-29'", "DATE", '"2024-02-29"'),
            TypeCase("timestamp", "'2024-02-29 01:02:03'", "DATETIME", '"2024-02-29T01:02:03+08:00"'),
            TypeCase("timestamp(3)", "'2024-02-29 01:02:03.25'", "DATETIME", '"2024-02-29T01:02:03.250000+08:00"'),
            TypeCase(
                "timestamptz",
                "'2024-02-29 01:02:03+02'",
                "DATETIME",
                '"2024-02-29T07:02:03+08:00"',
                note="the same moment",
            ),
            TypeCase(
                "timestamptz",
                "'9999-12-31 23:00Z'",
                "DATETIME",
                '"9999-12-31T23:00:00+00:00"',
                note="in UTC, where there is no such date in the zone any more",
            ),
            TypeCase("time", "'01:02:03.25'", "text", '"01:02:03.25"'),
            TypeCase("time", "'24:00'", "text", '"24:00:00"'),
            TypeCase("timetz", "'01:02:03+05:30'", "text", '"01:02:03+05:30"'),
            TypeCase(
                "interval",
                "'1 year 2 mons -3 days 25:00:01.5'",
                "text",
                '"1 year 2 mons -3 days +25:00:01.5"',
                note="`EXTRACT(epoch FROM v)` is a number of seconds",
            ),
            TypeCase("date", "'infinity'", fails=f"'infinity' {_BEYOND}"),
            TypeCase("date", "'0044-03-15 BC'", fails=f"'0044-03-15 BC' {_BEYOND}"),
            TypeCase("date", "'12024-02-29'", fails=f"'12024-02-29' {_BEYOND}"),
            TypeCase("timestamp", "'-infinity'", fails=f"'-infinity' {_BEYOND}"),
            TypeCase("timestamp", "'0001-12-31 23:59:58 BC'", fails=f"'0001-12-31 23:59:58 BC' {_BEYOND}"),
            TypeCase("timestamptz", "'10000-01-01 00:00Z'", fails=f"'10000-01-01 00:00:00' {_BEYOND}"),
        ),
        text="With `source.timezone: Asia/Shanghai`:",
    ),
    Section(
        "The same without a zone",
        (
            TypeCase("timestamptz", "'2024-02-29 01:02:03+02'", "DATETIME", '"2024-02-28T23:02:03+00:00"'),
            TypeCase("timestamptz", "'9999-12-31 23:00Z'", "DATETIME", '"9999-12-31T23:00:00+00:00"'),
        ),
        text="Without `source.timezone`, which a `timestamp` needs:",
        timezone=None,
    ),
    Section(
        "As the server writes them",
        (
            TypeCase("numrange", "'[1.5,2.5)'", "text", '"[1.5,2.5)"', note="`lower(v)` and `upper(v)` are its ends"),
            TypeCase("daterange", "'[2024-01-01,)'", "text", '"[2024-01-01,)"'),
            TypeCase("int4multirange", "'{[1,3),[5,7)}'", "text", '"{[1,3),[5,7)}"'),
            TypeCase("int4range[]", "ARRAY[int4range(1, 5)]", "text", r'"{\"[1,5)\"}"'),
            TypeCase(
                "pair", "ROW(1, 'a b')", "text", r'"(1,\"a b\")"', note="a composite; `row_to_json(v)` is an object"
            ),
            TypeCase(
                "hstore",
                "'a=>1, b=>NULL'",
                "text",
                r'"\"a\"=>\"1\", \"b\"=>NULL"',
                note="`hstore_to_json(v)` is an object",
            ),
            TypeCase("point", "'(1,2.5)'", "text", '"(1,2.5)"'),
            TypeCase("tsvector", "'a fat cat'", "text", "\"'a' 'cat' 'fat'\""),
        ),
        text="Every other type, those of extensions too, goes out as the text that the server makes of it:",
    ),
)

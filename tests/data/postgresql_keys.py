"""Keys on PostgreSQL, every class of type and collation."""

from __future__ import annotations

from tests.data.key_cases import KeyCase, RefusedKey

_UUIDS = (
    "123e4567-e89b-12d3-a456-426655440000",
    "00000000-0000-1000-8000-000000000000",
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    "ffffffff-ffff-4fff-bfff-ffffffffffff",
)

# What the test makes before its table.
TYPES = (
    "CREATE TYPE house AS ENUM ('north', 'east', 'it''s')",
    "CREATE DOMAIN code AS varchar(20) CHECK (VALUE <> '')",
    "CREATE EXTENSION citext",
    "CREATE COLLATION ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    "CREATE COLLATION german_phone (provider = icu, locale = 'de-u-co-phonebk')",
)


def _text(title: str, declared: str, rows: tuple[str, ...], keys: tuple[str, ...]) -> KeyCase:
    return KeyCase(title, f"k {declared} NOT NULL", rows, keys)


POSTGRESQL_KEYS = (
    KeyCase("smallint", "k smallint NOT NULL", ("32767", "-32768", "0"), ("-32768", "0", "32767")),
    KeyCase(
        "bigint",
        "k bigint NOT NULL",
        ("7", "-5", "9223372036854775807", "0", "-9223372036854775808"),
        ("-9223372036854775808", "-5", "0", "7", "9223372036854775807"),
    ),
    KeyCase(
        "numeric",
        "k numeric(30,10) NOT NULL",
        ("12345678901234567890.0123456789", "-1.5", "0", "0.0000000001"),
        ("-1.5000000000", "0.0000000000", "0.0000000001", "12345678901234567890.0123456789"),
    ),
    KeyCase(
        "numeric of any scale",
        "k numeric NOT NULL",
        ("2.50", "-1", "1e20", "2.5001"),
        ("-1.0", "2.50", "2.5001", "100000000000000000000.0"),
    ),
    _text(
        "text by its bytes",
        'text COLLATE "C"',
        ("'a'", "'B'", "'ß'", "'ss'", "'a '", "' a'", "'😀'", "''"),
        ('""', '" a"', '"B"', '"a"', '"a "', '"ss"', '"ß"', '"😀"'),
    ),
    _text(
        "text as people sort it",
        'text COLLATE "en-US-x-icu"',
        ("'a'", "'B'", "'b'", "'A'", "'é'", "'E1'", "'_x'", "'a '"),
        ('"_x"', '"a"', '"A"', '"a "', '"b"', '"B"', '"é"', '"E1"'),
    ),
    _text(
        "text in a phone book",
        "text COLLATE german_phone",
        ("'Mb'", "'Mä'", "'Ma'", "'Maf'", "'Mad'"),
        ('"Ma"', '"Mad"', '"Mä"', '"Maf"', '"Mb"'),
    ),
    _text(
        "text whose case is ignored",
        "text COLLATE ignoring_case",
        ("'a'", "'C'", "'B'", "'é'"),
        ('"a"', '"B"', '"C"', '"é"'),
    ),
    _text("citext", "citext", ("'a'", "'C'", "'B'"), ('"a"', '"B"', '"C"')),
    _text("a domain over varchar", 'code COLLATE "C"', ("'b'", "'a'"), ('"a"', '"b"')),
    _text("fixed text", 'char(4) COLLATE "C"', ("'b'", "'a'", "'abcd'"), ('"a   "', '"abcd"', '"b   "')),
    _text(
        "text like numbers",
        'text COLLATE "C"',
        ("'1'", "'01'", "'1abc'", "'10'", "'2'"),
        ('"01"', '"1"', '"10"', '"1abc"', '"2"'),
    ),
    _text(
        "text with signs",
        'text COLLATE "C"',
        (r"'it''s'", "'50%'", "'%s'", r"'a\b'", "'?'", "':x'", "'\"q\"'", "'$1'", "'{}'", "E'\\n'"),
        ('"\\n"', '"\\"q\\""', '"$1"', '"%s"', '"50%"', '":x"', '"?"', '"a\\\\b"', '"it\'s"', '"{}"'),
    ),
    _text("uuid", "uuid", tuple(f"'{text}'" for text in _UUIDS), tuple(f'"{text}"' for text in sorted(_UUIDS))),
    _text(
        "bytes",
        "bytea",
        (r"'\x00'", r"'\xFF27'", r"'\x5C'", "''"),
        ('{"bytes":""}', '{"bytes":"00"}', '{"bytes":"5c"}', '{"bytes":"ff27"}'),
    ),
    _text(
        "date",
        "date",
        ("'2024-02-29'", "'0001-01-01'", "'9999-12-31'"),
        ('{"date":"0001-01-01"}', '{"date":"2024-02-29"}', '{"date":"9999-12-31"}'),
    ),
    _text(
        "date-time",
        "timestamp",
        ("'2024-01-01 00:00:00.000001'", "'2024-01-01'", "'1969-12-31 23:59:59.999999'"),
        (
            '{"datetime":"1969-12-31T23:59:59.999999"}',
            '{"datetime":"2024-01-01T00:00:00"}',
            '{"datetime":"2024-01-01T00:00:00.000001"}',
        ),
    ),
    _text(
        "moment",
        "timestamptz",
        ("'2024-10-27 03:30+02'", "'2024-10-27 03:30+03'"),
        ('{"datetime":"2024-10-27T00:30:00+00:00"}', '{"datetime":"2024-10-27T01:30:00+00:00"}'),
    ),
    _text("time", "time", ("'24:00'", "'00:00'", "'12:30:00.25'"), ('"00:00:00"', '"12:30:00.25"', '"24:00:00"')),
    _text("interval", "interval", ("'1 mon'", "'1 day'", "'31 days'"), ('"1 day"', '"1 mon"', '"31 days"')),
    _text("network", "inet", ("'10.0.0.2'", "'10.0.0.1/24'", "'::1'"), ('"10.0.0.1/24"', '"10.0.0.2"', '"::1"')),
    _text("enum, by its place", "house", ("'it''s'", "'north'", "'east'"), ('"north"', '"east"', '"it\'s"')),
    KeyCase(
        "enum in the middle",
        'a text COLLATE "C" NOT NULL, h house NOT NULL, k date NOT NULL',
        (
            "'b', 'it''s', '2024-01-01'",
            "'b', 'north', '2024-01-02'",
            "'a', 'east', '2024-01-01'",
            "'b', 'north', '2024-01-01'",
        ),
        (
            '["a","east",{"date":"2024-01-01"}]',
            '["b","north",{"date":"2024-01-01"}]',
            '["b","north",{"date":"2024-01-02"}]',
            '["b","it\'s",{"date":"2024-01-01"}]',
        ),
        names=("a", "h", "k"),
    ),
    KeyCase(
        "types mixed",
        'a text COLLATE "en-US-x-icu" NOT NULL, b uuid NOT NULL, c numeric(6,2) NOT NULL, d bytea NOT NULL',
        (
            f"'é', '{_UUIDS[0]}', 1.5, '\\x00FF'",
            f"'E', '{_UUIDS[1]}', 1.5, '\\x00FF'",
            f"'é', '{_UUIDS[0]}', 1.5, '\\x00FE'",
            f"'Z', '{_UUIDS[0]}', -1, '\\x00'",
            f"'é', '{_UUIDS[0]}', 10, '\\x00FF'",
        ),
        (
            f'["E","{_UUIDS[1]}",1.50,{{"bytes":"00ff"}}]',
            f'["é","{_UUIDS[0]}",1.50,{{"bytes":"00fe"}}]',
            f'["é","{_UUIDS[0]}",1.50,{{"bytes":"00ff"}}]',
            f'["é","{_UUIDS[0]}",10.00,{{"bytes":"00ff"}}]',
            f'["Z","{_UUIDS[0]}",-1.00,{{"bytes":"00"}}]',
        ),
        names=("a", "b", "c", "d"),
    ),
)

POSTGRESQL_REFUSED = (
    RefusedKey("real", "'k' is FLOAT", "1.5", "SELECT CAST(k AS DECIMAL(30,10)) AS k FROM t"),
    RefusedKey("double precision", "'k' is floating-point", "1.5", "SELECT CAST(k AS DECIMAL(30,10)) AS k FROM t"),
    RefusedKey("bit(8)", "'k' is a bit string", "B'00000101'", "SELECT CAST(k AS text) AS k FROM t"),
    RefusedKey("jsonb", "'k' is JSON", """'{"id": "A-1"}'""", "SELECT k ->> 'id' AS k FROM t"),
    RefusedKey("boolean", "'k' is boolean", "true"),
    RefusedKey("integer[]", "'k' is an array", "'{1,2}'", "SELECT CAST(k AS text) AS k FROM t"),
    RefusedKey("int4range", "'k' is of a type that", "'[1,2)'", "SELECT CAST(k AS text) AS k FROM t"),
    RefusedKey("money", "'k' is of a type that", "1.5", "SELECT CAST(k AS text) AS k FROM t"),
)

"""Keys on MariaDB, every class of type and collation."""

from __future__ import annotations

from tests.data.key_cases import KeyCase, RefusedKey

# Letters whose order or sameness differs between collations, one of a kind in all that ignore case and accents.
_LETTERS = ("'a'", "'B'", "'c'", "'é'", "'E1'", "'Z'", "'_x'")
# What a trailing blank, an invisible letter or a special upper case makes of a text.
_ALIKE = ("'a'", "'a '", "'a  '", "' a'", "'a\u200b'", "'ß'", "'ss'", "'İ'", "'i'", "'A'")


def _text(title: str, declared: str, rows: tuple[str, ...], keys: tuple[str, ...], fault: str = "") -> KeyCase:
    return KeyCase(title, f"k VARCHAR(20) {declared} NOT NULL", rows, keys, fault=fault)


MARIADB_KEYS = (
    KeyCase(
        "signed",
        "k BIGINT NOT NULL",
        ("7", "-5", "9223372036854775807", "0", "-9223372036854775808"),
        ("-9223372036854775808", "-5", "0", "7", "9223372036854775807"),
    ),
    KeyCase(
        "unsigned",
        "k BIGINT UNSIGNED NOT NULL",
        ("18446744073709551615", "0", "9223372036854775808", "1"),
        ("0", "1", "9223372036854775808", "18446744073709551615"),
    ),
    KeyCase("tiny", "k TINYINT NOT NULL", ("127", "-128", "0"), ("-128", "0", "127")),
    KeyCase(
        "decimal",
        "k DECIMAL(30,10) NOT NULL",
        ("'12345678901234567890.0123456789'", "-1.5", "0", "0.0000000001"),
        ("-1.5000000000", "0.0000000000", "0.0000000001", "12345678901234567890.0123456789"),
    ),
    _text(
        "text, case and accents ignored",
        "COLLATE utf8mb4_general_ci",
        _LETTERS,
        ('"a"', '"B"', '"c"', '"é"', '"E1"', '"Z"', '"_x"'),
        fault="D17",
    ),
    _text(
        "text, unicode",
        "COLLATE utf8mb4_unicode_ci",
        (*_LETTERS, "'😀'", "'a😀'"),
        ('"_x"', '"a"', '"a😀"', '"B"', '"c"', '"é"', '"E1"', '"Z"', '"😀"'),
        fault="D17",
    ),
    _text(
        "text, uca1400, accents ignored",
        "COLLATE utf8mb4_uca1400_ai_ci",
        _LETTERS,
        ('"_x"', '"a"', '"B"', '"c"', '"é"', '"E1"', '"Z"'),
        fault="D17",
    ),
    _text(
        "text, uca1400, all told apart",
        "COLLATE utf8mb4_uca1400_nopad_as_cs",
        (*_LETTERS, "'A'", "'e'", "'É'", "'a '"),
        ('"_x"', '"a"', '"A"', '"a "', '"B"', '"c"', '"e"', '"é"', '"É"', '"E1"', '"Z"'),
        fault="D17",
    ),
    _text(
        "text, unicode, no padding",
        "COLLATE utf8mb4_unicode_nopad_ci",
        ("'a'", "'a '", "'a  '", "' a'", "'b'"),
        ('" a"', '"a"', '"a "', '"a  "', '"b"'),
        fault="D18",
    ),
    _text(
        "text, binary",
        "COLLATE utf8mb4_bin",
        ("'a'", "'B'", "'b'", "'A'", "' a'", "'ß'", "'ss'", "'İ'", "'i'"),
        ('" a"', '"A"', '"B"', '"a"', '"b"', '"i"', '"ss"', '"ß"', '"İ"'),
        fault="D18",
    ),
    _text(
        "text, binary, no padding",
        "COLLATE utf8mb4_nopad_bin",
        _ALIKE,
        ('" a"', '"A"', '"a"', '"a "', '"a  "', '"a\u200b"', '"i"', '"ss"', '"ß"', '"İ"'),
        fault="D18",
    ),
    _text(
        "text, utf8mb3",
        "CHARACTER SET utf8mb3 COLLATE utf8mb3_swedish_ci",
        ("'ä'", "'a'", "'z'", "'ö'", "'å'"),
        ('"a"', '"z"', '"å"', '"ä"', '"ö"'),
    ),
    _text(
        "text, latin1",
        "CHARACTER SET latin1",
        ("'aé'", "'ü'", "'z'", "'ä'", "'b'", "'€'"),
        ('"aé"', '"b"', '"ü"', '"z"', '"ä"', '"€"'),
    ),
    _text(
        "text, latin1, german",
        "CHARACTER SET latin1 COLLATE latin1_german2_ci",
        ("'Ma'", "'Mä'", "'Mb'", "'Mz'", "'ß'"),
        ('"Ma"', '"Mä"', '"Mb"', '"Mz"', '"ß"'),
        fault="D17",
    ),
    _text(
        "text, latin1, binary",
        "CHARACTER SET latin1 COLLATE latin1_bin",
        ("'a'", "'A'", "'ä'", "'z'", "'€'"),
        ('"A"', '"a"', '"z"', '"€"', '"ä"'),
    ),
    _text("text, utf16", "CHARACTER SET utf16", ("'漢'", "'😀'", "'a'"), ('"a"', '"漢"', '"😀"')),
    _text(
        "text like numbers",
        "",
        ("'1'", "'01'", "'1abc'", "'10'", "'2'", "''", "'-1'", "'1e0'"),
        ('""', '"-1"', '"01"', '"1"', '"10"', '"1abc"', '"1e0"', '"2"'),
        fault="D19",
    ),
    _text(
        "text with signs",
        "",
        (r"'it''s'", "'50%'", "'%s'", r"'a\\b'", "'?'", "':x'", "'\"q\"'", "'[1]'", "'{}'", r"'\n'"),
        ('"\\n"', '"\\"q\\""', '"%s"', '"50%"', '":x"', '"?"', '"a\\\\b"', '"it\'s"', '"[1]"', '"{}"'),
        fault="D19",
    ),
    KeyCase(
        "fixed text",
        "k CHAR(4) NOT NULL",
        ("'a'", "'ab  '", "'abcd'", "''"),
        ('""', '"a"', '"ab"', '"abcd"'),
        fault="D18",
    ),
    KeyCase(
        "bytes",
        "k VARBINARY(10) NOT NULL",
        ("x'00'", "x'FF27'", "x'5C'", "x''", "x'2725'", "x'80FE'", "x'0000'"),
        (
            '{"bytes":""}',
            '{"bytes":"00"}',
            '{"bytes":"0000"}',
            '{"bytes":"2725"}',
            '{"bytes":"5c"}',
            '{"bytes":"80fe"}',
            '{"bytes":"ff27"}',
        ),
    ),
    KeyCase(
        "uuid in bytes",
        "k BINARY(16) NOT NULL",
        ("x'123E4567E89B12D3A456426655440000'", "x'00000000000000000000000000000000'", "x'FF'"),
        (
            '{"bytes":"00000000000000000000000000000000"}',
            '{"bytes":"123e4567e89b12d3a456426655440000"}',
            '{"bytes":"ff000000000000000000000000000000"}',
        ),
    ),
    KeyCase(
        "uuid",
        "k UUID NOT NULL",
        (
            "'123e4567-e89b-12d3-a456-426655440000'",
            "'00000000-0000-1000-8000-000000000000'",
            "'017f22e2-79b0-7cc3-98c4-dc0c0c07398f'",
            "'ffffffff-ffff-4fff-bfff-ffffffffffff'",
        ),
        (
            '"00000000-0000-1000-8000-000000000000"',
            '"017f22e2-79b0-7cc3-98c4-dc0c0c07398f"',
            '"123e4567-e89b-12d3-a456-426655440000"',
            '"ffffffff-ffff-4fff-bfff-ffffffffffff"',
        ),
    ),
    KeyCase(
        "date",
        "k DATE NOT NULL",
        ("'2024-02-29'", "'1000-01-01'", "'9999-12-31'"),
        ('{"date":"1000-01-01"}', '{"date":"2024-02-29"}', '{"date":"9999-12-31"}'),
    ),
    KeyCase(
        "dates that are none",
        "k DATE NOT NULL",
        ("'0000-00-00'", "'2016-01-00'", "'2016-00-00'", "'2016-01-01'"),
        ('"0000-00-00"', '"2016-00-00"', '"2016-01-00"', '{"date":"2016-01-01"}'),
        careless=True,
    ),
    KeyCase(
        "date-time",
        "k DATETIME(6) NOT NULL",
        ("'2024-01-01 00:00:00.000001'", "'2024-01-01'", "'1999-12-31 23:59:59.999999'", "'2024-10-27 03:30:00'"),
        (
            '{"datetime":"1999-12-31T23:59:59.999999"}',
            '{"datetime":"2024-01-01T00:00:00"}',
            '{"datetime":"2024-01-01T00:00:00.000001"}',
            '{"datetime":"2024-10-27T03:30:00"}',
        ),
    ),
    KeyCase(
        "moment",
        "k TIMESTAMP(3) NOT NULL",
        ("'2024-01-01 00:00:00.001'", "'2024-10-27 01:30:00'", "'2024-10-27 00:30:00'"),
        (
            '{"datetime":"2024-01-01T00:00:00.001000"}',
            '{"datetime":"2024-10-27T00:30:00"}',
            '{"datetime":"2024-10-27T01:30:00"}',
        ),
    ),
    KeyCase(
        "time",
        "k TIME(3) NOT NULL",
        ("'838:59:59'", "'-838:59:59'", "'00:00:00'", "'-00:00:00.5'", "'25:00:01.25'"),
        ('"-838:59:59"', '"-00:00:00.500000"', '"00:00:00"', '"25:00:01.250000"', '"838:59:59"'),
    ),
    KeyCase(
        "year", "k YEAR NOT NULL", ("1999", "2024", "'0000'", "2155", "1901"), ("0", "1901", "1999", "2024", "2155")
    ),
    KeyCase("enum", "k ENUM('z','m','a','it''s') NOT NULL", ("'a'", "'z'", "'it''s'", "'m'"), ("1", "2", "3", "4")),
    KeyCase(
        "enum with the error value",
        "k ENUM('z','m') NOT NULL",
        ("'m'", "'nope'", "'z'"),
        ("0", "1", "2"),
        careless=True,
    ),
    KeyCase(
        "set of 64",
        f"k SET({', '.join(repr(f'm{number}') for number in range(64))}) NOT NULL",
        ("'m63'", "'m0,m63'", "'m53,m0'", "''", "'m53'", "'m0'"),
        ("0", "1", "9007199254740992", "9007199254740993", "9223372036854775808", "9223372036854775809"),
    ),
    KeyCase(
        "enum first",
        "house ENUM('north','east') NOT NULL, k INTEGER NOT NULL",
        ("'east', 1", "'north', 2", "'north', 10", "'east', -1", "'north', 1", "'east', 2", "'north', 3", "'east', 9"),
        ("[1,1]", "[1,2]", "[1,3]", "[1,10]", "[2,-1]", "[2,1]", "[2,2]", "[2,9]"),
        names=("house", "k"),
        fault="D16",
    ),
    KeyCase(
        "enum first, with the error value",
        "house ENUM('north','east') NOT NULL, k INTEGER NOT NULL",
        ("'north', 2", "'nope', 7", "'east', -1", "'nope', -7", "'north', 1", "'nope', 8", "'nope', 9"),
        ("[0,-7]", "[0,7]", "[0,8]", "[0,9]", "[1,1]", "[1,2]", "[2,-1]"),
        names=("house", "k"),
        careless=True,
        fault="D16",
    ),
    KeyCase(
        "enum in the middle",
        "a VARCHAR(9) NOT NULL, house ENUM('z','y','x') NOT NULL, k DATE NOT NULL",
        (
            "'b', 'x', '2024-01-01'",
            "'b', 'z', '2024-01-02'",
            "'a', 'y', '2024-01-01'",
            "'a', 'x', '2024-01-01'",
            "'b', 'z', '2024-01-01'",
            "'a', 'y', '2023-01-01'",
            "'a', 'z', '2024-01-01'",
        ),
        (
            '["a",1,{"date":"2024-01-01"}]',
            '["a",2,{"date":"2023-01-01"}]',
            '["a",2,{"date":"2024-01-01"}]',
            '["a",3,{"date":"2024-01-01"}]',
            '["b",1,{"date":"2024-01-01"}]',
            '["b",1,{"date":"2024-01-02"}]',
            '["b",3,{"date":"2024-01-01"}]',
        ),
        names=("a", "house", "k"),
        fault="D16",
    ),
    KeyCase(
        "texts whose seam could be anywhere",
        "a VARCHAR(9) NOT NULL, b VARCHAR(9) NOT NULL",
        (
            "'a', 'bc'",
            "'ab', 'c'",
            "'a|b', 'c'",
            "'a', 'b|c'",
            "'', 'abc'",
            "'abc', ''",
            "'a\",\"b', ''",
            "'a', '\",\"b'",
        ),
        (
            '["","abc"]',
            '["a","\\",\\"b"]',
            '["a","bc"]',
            '["a","b|c"]',
            '["a\\",\\"b",""]',
            '["ab","c"]',
            '["abc",""]',
            '["a|b","c"]',
        ),
        names=("a", "b"),
        fault="D16",
    ),
    KeyCase(
        "types mixed",
        "a VARCHAR(9) COLLATE utf8mb4_general_ci NOT NULL, b DATE NOT NULL, c DECIMAL(6,2) NOT NULL, d BINARY(2) NOT NULL",
        (
            "'é', '2024-01-01', 1.5, x'00FF'",
            "'E', '2023-01-01', 1.5, x'00FF'",
            "'é', '2024-01-01', 1.5, x'00FE'",
            "'Z', '2024-01-01', -1, x'0000'",
            "'é', '2024-01-01', 10, x'00FF'",
            "'é', '2024-01-02', 1.5, x'00FF'",
        ),
        (
            '["E",{"date":"2023-01-01"},1.50,{"bytes":"00ff"}]',
            '["é",{"date":"2024-01-01"},1.50,{"bytes":"00fe"}]',
            '["é",{"date":"2024-01-01"},1.50,{"bytes":"00ff"}]',
            '["é",{"date":"2024-01-01"},10.00,{"bytes":"00ff"}]',
            '["é",{"date":"2024-01-02"},1.50,{"bytes":"00ff"}]',
            '["Z",{"date":"2024-01-01"},-1.00,{"bytes":"0000"}]',
        ),
        names=("a", "b", "c", "d"),
        fault="D16",
    ),
    KeyCase(
        "bytes and unsigned",
        "a BINARY(16) NOT NULL, b BIGINT UNSIGNED NOT NULL",
        ("x'01', 18446744073709551615", "x'01', 0", "x'00', 18446744073709551615", "x'FF', 7"),
        (
            '[{"bytes":"00000000000000000000000000000000"},18446744073709551615]',
            '[{"bytes":"01000000000000000000000000000000"},0]',
            '[{"bytes":"01000000000000000000000000000000"},18446744073709551615]',
            '[{"bytes":"ff000000000000000000000000000000"},7]',
        ),
        names=("a", "b"),
        fault="D16",
    ),
)

MARIADB_REFUSED = (
    RefusedKey("FLOAT", "'k' is FLOAT", "1.5", "SELECT CAST(k AS DECIMAL(30,10)) AS k FROM t"),
    RefusedKey("DOUBLE", "'k' is floating-point", "1.5", "SELECT CAST(k AS DECIMAL(30,10)) AS k FROM t"),
    RefusedKey("BIT(8)", "'k' is BIT", "b'101'", "SELECT CAST(k AS UNSIGNED) AS k FROM t"),
    RefusedKey(
        "JSON", "'k' is JSON", """'{"id": "A-1"}'""", "SELECT CAST(JSON_VALUE(k, '$.id') AS CHAR(40)) AS k FROM t"
    ),
    RefusedKey("GEOMETRY", "'k' is GEOMETRY", "POINT(1, 2)"),
)

"""What may have happened to a migration that looked finished: each kind of damage, and what `verify` has to call it.

All of it is done to row 7 (or next to it), by SQL that every database understands.
"""

from __future__ import annotations

from dataclasses import dataclass

from penstock.verify.findings import FindingKind


@dataclass(frozen=True)
class Damage:
    """statements: what is done. found: what has to be said of it, all of it: kind, key, field."""

    name: str
    statements: tuple[str, ...]
    found: tuple[tuple[FindingKind, str | None, str | None], ...]


def _differs(field: str) -> tuple[tuple[FindingKind, str | None, str | None], ...]:
    return ((FindingKind.DIFFERING, "7", field),)


_COLUMNS = "external_id, total, weight, placed, day, note"
_OF_7 = "WHERE external_id = '7'"
_LEDGER_OF_7 = "WHERE row_key = '7'"

DAMAGES = (
    Damage("record dropped", (f"DELETE FROM new_orders {_OF_7}",), ((FindingKind.MISSING, "7", None),)),
    Damage(
        "record doubled",
        (f"INSERT INTO new_orders SELECT {_COLUMNS} FROM new_orders {_OF_7}",),
        ((FindingKind.DOUBLED, "7", None),),
    ),
    Damage(
        "record doubled and the first one wrong",
        (
            f"INSERT INTO new_orders SELECT {_COLUMNS} FROM new_orders {_OF_7}",
            f"UPDATE new_orders SET note = 'both wrong' {_OF_7}",
        ),
        ((FindingKind.DOUBLED, "7", None), (FindingKind.DIFFERING, "7", "note")),
    ),
    Damage("a cent too much", (f"UPDATE new_orders SET total = total + 0.01 {_OF_7}",), _differs("total")),
    Damage("a hundredth of a cent", (f"UPDATE new_orders SET total = total + 0.0001 {_OF_7}",), _differs("total")),
    Damage("sign turned", (f"UPDATE new_orders SET total = -total {_OF_7}",), _differs("total")),
    Damage("float rounded", (f"UPDATE new_orders SET weight = 2.33333 {_OF_7}",), _differs("weight")),
    Damage("zero for a number", (f"UPDATE new_orders SET weight = 0 {_OF_7}",), _differs("weight")),
    Damage("emoji lost", (f"UPDATE new_orders SET note = 'très bien ? 7' {_OF_7}",), _differs("note")),
    Damage("read as latin1", (f"UPDATE new_orders SET note = 'trÃ¨s bien ? 7' {_OF_7}",), _differs("note")),
    Damage("text cut", (f"UPDATE new_orders SET note = 'très bie' {_OF_7}",), _differs("note")),
    Damage("text padded", (f"UPDATE new_orders SET note = 'très bien 🎉 7 ' {_OF_7}",), _differs("note")),
    Damage("upper case", (f"UPDATE new_orders SET note = 'TRÈS BIEN 🎉 7' {_OF_7}",), _differs("note")),
    Damage("NULL for a text", (f"UPDATE new_orders SET note = NULL {_OF_7}",), _differs("note")),
    Damage(
        "empty text for NULL",
        ("UPDATE new_orders SET note = '' WHERE external_id = '5'",),
        ((FindingKind.DIFFERING, "5", "note"),),
    ),
    Damage("zone shifted", (f"UPDATE new_orders SET placed = '2024-03-10 08:07:00' {_OF_7}",), _differs("placed")),
    Damage("a second late", (f"UPDATE new_orders SET placed = '2024-03-10 00:07:01' {_OF_7}",), _differs("placed")),
    Damage("a day off", (f"UPDATE new_orders SET day = '2020-01-09' {_OF_7}",), _differs("day")),
    Damage(
        "flag reset",
        ("UPDATE orders SET is_import = 0 WHERE id = 7",),
        ((FindingKind.FLAG, "7", None),),
    ),
    Damage(
        "changed in the source since",
        ("UPDATE orders SET total = 999.99 WHERE id = 7",),
        ((FindingKind.CHANGED, "7", None), (FindingKind.DIFFERING, "7", "total")),
    ),
    Damage("gone from the source", ("DELETE FROM orders WHERE id = 7",), ((FindingKind.GONE, "7", None),)),
    Damage(
        "a record from elsewhere",
        (
            f"INSERT INTO new_orders ({_COLUMNS}) SELECT '7777', total, weight, placed, day, note FROM new_orders {_OF_7}",
        ),
        ((FindingKind.EXTRA, None, None),),
    ),
    Damage(
        "two records without a key",
        ("INSERT INTO new_orders (note) VALUES ('whose?')", "INSERT INTO new_orders (note) VALUES ('whose?')"),
        ((FindingKind.EXTRA, None, None),),
    ),
    Damage(
        "another row's key",
        (f"UPDATE new_orders SET external_id = '8' {_OF_7}",),
        ((FindingKind.MISSING, "7", None), (FindingKind.DOUBLED, "8", None)),
    ),
    Damage(
        "forgotten by the ledger",
        (f"DELETE FROM penstock_rows {_LEDGER_OF_7}",),
        ((FindingKind.ARRIVED, "7", None),),
    ),
    Damage(
        "in doubt, and there",
        (f"UPDATE penstock_rows SET state = 'in_doubt' {_LEDGER_OF_7}",),
        ((FindingKind.FLAG, "7", None), (FindingKind.ARRIVED, "7", None)),
    ),
    Damage(
        "failed, and there, without a flag",
        (f"UPDATE penstock_rows SET state = 'failed' {_LEDGER_OF_7}", "UPDATE orders SET is_import = 0 WHERE id = 7"),
        ((FindingKind.ARRIVED, "7", None),),
    ),
    Damage("a number where a text was", (f"UPDATE new_orders SET note = '7' {_OF_7}",), _differs("note")),
)

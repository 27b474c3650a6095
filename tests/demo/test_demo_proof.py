"""The count that ends the demo would see every way in which a move can go wrong."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from pydantic import SecretStr

from penstock.demo.proof import Proof, prove
from penstock.demo.shop import fill_shop

ORDERS = 40


async def make_shop(folder: Path, *, flagged: bool = True) -> list[dict[str, object]]:
    """A shop in shop.db, its flags set or not; returns the bodies that should arrive."""
    await fill_shop(SecretStr("sqlite:///shop.db"), orders=ORDERS, seed=1, folder=str(folder))
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        connection.execute(f"ALTER TABLE orders ADD COLUMN is_import INTEGER NOT NULL DEFAULT {int(flagged)}")
        connection.execute("UPDATE orders SET is_import = 0 WHERE deleted = 1")
        connection.commit()
        rows = connection.execute(
            "SELECT order_no, total, created_at, name, email FROM orders o JOIN customers c ON c.id = customer_id"
            " WHERE deleted = 0 ORDER BY o.id"
        ).fetchall()
    return [
        {
            "orderNo": order_no,
            "total": total,
            "buyer": {"name": name, "email": email.lower()},
            "createdAt": created_at.replace(" ", "T") + "+08:00",
        }
        for order_no, total, created_at, name, email in rows
    ]


def prove_with(folder: Path, bodies: list[dict[str, object]]) -> Proof:
    record = folder / "arrived.jsonl"
    record.write_text("".join([json.dumps(body) + "\n" for body in bodies]))
    return prove(shop=folder / "shop.db", record=record)


async def test_the_proof_holds_when_every_order_arrived_as_it_was(tmp_path: Path) -> None:
    proof = prove_with(tmp_path, await make_shop(tmp_path))
    assert proof.holds
    assert (proof.expected, proof.arrived, proof.flagged) == (ORDERS, ORDERS, ORDERS)


async def test_a_moment_told_in_another_zone_is_the_same_moment(tmp_path: Path) -> None:
    first, *others = await make_shop(tmp_path)
    assert str(first["createdAt"]).startswith("2019-03-01T09:00:")
    first["createdAt"] = str(first["createdAt"]).replace("T09:", "T01:").replace("+08:00", "+00:00")
    assert prove_with(tmp_path, [first, *others]).holds


async def test_a_missing_order_is_named(tmp_path: Path) -> None:
    first, *others = await make_shop(tmp_path)
    proof = prove_with(tmp_path, others)
    assert (proof.holds, proof.missing) == (False, (first["orderNo"],))


async def test_h49_a_doubled_order_is_named(tmp_path: Path) -> None:
    first, *others = await make_shop(tmp_path)
    proof = prove_with(tmp_path, [first, *others, first])
    assert (proof.holds, proof.doubled) == (False, (first["orderNo"],))


async def test_an_order_that_lost_a_cent_is_named(tmp_path: Path) -> None:
    first, *others = await make_shop(tmp_path)
    assert isinstance(first["total"], float)
    proof = prove_with(tmp_path, [first | {"total": round(first["total"] - 0.01, 2)}, *others])
    assert (proof.holds, proof.differing) == (False, (first["orderNo"],))


async def test_an_order_that_nobody_wanted_is_named(tmp_path: Path) -> None:
    first, *others = await make_shop(tmp_path)
    proof = prove_with(tmp_path, [first, *others, first | {"orderNo": "B-1"}])
    assert (proof.holds, proof.unknown) == (False, ("B-1",))


async def test_orders_that_arrived_but_are_not_flagged_are_no_proof(tmp_path: Path) -> None:
    proof = prove_with(tmp_path, await make_shop(tmp_path, flagged=False))
    assert (proof.holds, proof.flagged, proof.missing) == (False, 0, ())

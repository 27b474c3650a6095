"""`verify` against a new store of documents: seeded damage is found, each kind by its name, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.verify.documents import DAMAGES, DocumentDamage, staged_documents


async def test_nothing_is_wrong_with_documents_where_nothing_is(
    tmp_path: Path, database_url: str, mongodb_url: str
) -> None:
    async with staged_documents(tmp_path, database_url, mongodb_url) as shop:
        await shop.stage.run()
        assert await shop.stage.verify() == []
        assert await shop.orders.count_documents({}) == 12


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
async def test_damage_in_documents_is_found(
    tmp_path: Path, sqlite_url: str, mongodb_url: str, damage: DocumentDamage
) -> None:
    async with staged_documents(tmp_path, sqlite_url, mongodb_url) as shop:
        await shop.stage.run()
        await damage.do(shop.orders)
        found = [(one.kind, one.key, one.field) for one in await shop.stage.verify()]
        assert found == list(damage.found)

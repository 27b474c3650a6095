"""Seeded damage to a migration that had gone well is found, each kind by its name, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.verify.damages import DAMAGES, Damage
from tests.verify.stage import staged


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
async def test_damage_in_sql_stores_is_found(tmp_path: Path, database_url: str, damage: Damage) -> None:
    async with staged(tmp_path, database_url, rows=12) as stage:
        await stage.run()
        await stage.change(*damage.statements)
        found = [(one.kind, one.key, one.field) for one in await stage.verify()]
        assert found == list(damage.found)

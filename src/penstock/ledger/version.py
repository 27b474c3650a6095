"""The version of the ledger's tables."""

from __future__ import annotations

from typing import Final

from penstock.errors import LedgerRefused

# Raised by one with every change of the tables. An older penstock refuses a newer ledger.
VERSION: Final = 2


def refuse_older(version: int, address: str) -> None:
    """version: of the ledger at this address. Raises LedgerRefused if its tables lack what this penstock needs."""
    if version < VERSION:
        raise LedgerRefused(
            f"the ledger at {address} was made by an older penstock (version {version}, this one needs {VERSION}): "
            "`penstock prepare FILE` brings it up to date, and keeps all that is in it"
        )


def refuse_newer(version: int, address: str) -> None:
    """version: of the ledger at this address. Raises LedgerRefused if this penstock does not know it yet."""
    if version > VERSION:
        raise LedgerRefused(
            f"the ledger at {address} was made by a newer penstock (version {version}, this one knows {VERSION}): update penstock"
        )

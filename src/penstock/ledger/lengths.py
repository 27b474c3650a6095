"""How long the ledger's texts may be, in characters and not bytes. Longer ones are cut before they are written."""

from __future__ import annotations

from typing import Final

REASON_LENGTH: Final = 300
RECEIPT_LENGTH: Final = 255
ANSWER_LENGTH: Final = 1000
DETAIL_LENGTH: Final = 1000
OWNER_LENGTH: Final = 190

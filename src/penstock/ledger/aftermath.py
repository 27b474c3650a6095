"""What becomes of the rows that a gone worker may have had on the wire. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.ledger.ranges import WindowKey
from penstock.ledger.rows import LedgerRow, Settlement
from penstock.ledger.states import RowState
from penstock.rows import KeyText

MAY_HAVE_BEEN_SENT = "its worker was gone before an answer was written down"


def aftermath(
    exposed: Mapping[KeyText, WindowKey],
    known: Mapping[KeyText, LedgerRow],
    recalled: Sequence[Settlement],
    *,
    is_idempotent: bool,
) -> list[Settlement]:
    """exposed: the keys of the gone worker's windows. known: the ledger's rows of these and of the
    recalled keys. recalled: answers that had come, from the worker's journal; of several for a key the last one holds.

    What is recalled is known. Of the rest, whatever has no final row may have been applied: in doubt; where a repeat is harmless
    it waits, with the time it may first have gone out.
    """
    answers = {settlement.key: settlement for settlement in recalled}
    settlements = [settlement for settlement in answers.values() if not _is_final(known, settlement.key)]
    for key, sent in exposed.items():
        if key in answers or _is_final(known, key):
            continue
        before = known.get(key)
        attempts = before.attempts if before else 0
        state, attempts = (RowState.PENDING, attempts) if is_idempotent else (RowState.IN_DOUBT, attempts + 1)
        settlements.append(
            Settlement(
                key,
                state,
                attempts,
                reason=MAY_HAVE_BEEN_SENT,
                fingerprint=sent.fingerprint,
                first_sent=sent.first_sent,
            )
        )
    return settlements


def _is_final(known: Mapping[KeyText, LedgerRow], key: KeyText) -> bool:
    return key in known and known[key].state.is_final

"""The life of one row in the ledger. docs/explanation/row-lifecycle.md is drawn from this file."""

from enum import StrEnum


class RowState(StrEnum):
    PENDING = "pending"  # known to the ledger; waits in a keys range or for its next attempt
    IMPORTED = "imported"  # an accepted answer is durable
    FAILED = "failed"  # the mapping or the API refused it; nothing was applied
    IN_DOUBT = "in_doubt"  # may have been applied; a late answer, the probe or a person decides
    SKIPPED = "skipped"  # never to be sent: the mapping said so, the flag was set before, or it left the query

    # By the text, as they are compared: an Enum's own way is a function in Python, and whole batches are counted by state.
    __hash__ = str.__hash__

    @property
    def is_final(self) -> bool:
        """Whether no worker will send the row by itself any more."""
        return self is not RowState.PENDING


# The legal edges, each with the moment it happens. `claimed` is not stored: it is read from the windows.
# The same state to itself is no edge. Nothing else in penstock knows which edge is legal.
EDGES: frozenset[tuple[RowState, RowState]] = frozenset(
    {
        (RowState.PENDING, RowState.IMPORTED),  # the API accepted it
        (RowState.PENDING, RowState.FAILED),  # it does not map, the API refused it, or its attempts are used up
        (RowState.PENDING, RowState.IN_DOUBT),  # sent, and no answer proves what became of it; or its worker died
        (RowState.PENDING, RowState.SKIPPED),  # the mapping said so, the flag was set before, or it left the query
        (RowState.IN_DOUBT, RowState.IMPORTED),  # a late answer, the probe or a person: it had arrived
        (RowState.IN_DOUBT, RowState.PENDING),  # the probe or a person: it had not arrived
        (RowState.IN_DOUBT, RowState.FAILED),  # a late refusal, or a person or the probe gives it up
        (RowState.FAILED, RowState.PENDING),  # `penstock retry`
        (RowState.SKIPPED, RowState.PENDING),  # `penstock retry --state skipped`
        (RowState.IMPORTED, RowState.PENDING),  # `penstock verify --fix` alone: the new store does not have it
    }
)


def is_legal(before: RowState, after: RowState) -> bool:
    return (before, after) in EDGES


def states_after(before: RowState) -> frozenset[RowState]:
    return frozenset(after for start, after in EDGES if start is before)

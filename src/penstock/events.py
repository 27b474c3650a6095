"""What the ledger's event log and a run's observers may hear of. One list."""

from enum import StrEnum


class EventKind(StrEnum):
    """Everything out of the ordinary. A row's first send needs no event; every further one is explained by one."""

    RUN_STARTED = "run_started"  # a worker joined; detail: host, pid, job file hash
    RUN_ENDED = "run_ended"  # a worker left in good order; detail: why
    JOB_FILE_CHANGED = "job_file_changed"  # mapping, target or delivery differ from the run before; detail: both hashes
    VERSIONS_DIFFER = (
        "versions_differ"  # a worker joined beside one of another penstock that it agrees with; detail: both
    )
    FURTHER_ATTEMPT = (
        "further_attempt"  # a row is about to be sent again by the same worker; detail: what the last attempt showed
    )
    TAKE_OVER = "take_over"  # a range was leased from an owner who is gone; its unfinished rows may be sent again
    LATE_ANSWER = "late_answer"  # an answer came after its range had been taken over; detail: what became of it
    SENT_TWICE = "sent_twice"  # a late answer shows an accepted row that has gone out again since: a person must look
    HOLD_STARTED = "hold_started"  # the run waits for the API or a database; detail: the reason
    HOLD_ENDED = "hold_ended"
    JOURNAL_FAILED = (
        "journal_failed"  # answers are not written down locally: a crash would leave more in doubt; detail: why
    )
    PROBED = (
        "probed"  # the API was asked about a row in doubt (target.probe); detail: what it said, what became of the row
    )
    RETRIED = "retried"  # a person: failed or skipped → pending
    RESOLVED = "resolved"  # a person: in doubt → imported, pending or failed; detail: the note
    ADOPTED = "adopted"  # `verify --adopt`: rows that the new store had already are imported, without being sent
    REOPENED = "reopened"  # `verify --fix`: imported → pending, for the new store does not have the row
    PAUSED = "paused"
    RESUMED = "resumed"
    LIMITS_SET = "limits_set"  # a person changed rate or concurrency of a live job
    KEYS_RENEWED = "keys_renewed"  # a person raised the generation of the idempotency keys
    LEDGER_RESET = "ledger_reset"

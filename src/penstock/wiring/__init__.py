"""Composition: the only room that names concrete adapters. Whoever has a job and wants something done comes here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.wiring.adopting import adopt_job
    from penstock.wiring.broker import look_at_queue, opened_broker, put_messages_back
    from penstock.wiring.checking import check_job, show_requests
    from penstock.wiring.people import open_people_desk, open_read_model, reset_job
    from penstock.wiring.preparing import prepare_job, prepare_statements
    from penstock.wiring.probing import doubts_ahead
    from penstock.wiring.reporting import report_subject
    from penstock.wiring.running import run_job
    from penstock.wiring.verifying import open_verification
    from penstock.wiring.working import work_for

__all__ = [
    "adopt_job",
    "check_job",
    "doubts_ahead",
    "look_at_queue",
    "open_people_desk",
    "open_read_model",
    "open_verification",
    "opened_broker",
    "prepare_job",
    "prepare_statements",
    "put_messages_back",
    "report_subject",
    "reset_job",
    "run_job",
    "show_requests",
    "work_for",
]

_PLACES = {
    "adopt_job": "adopting",
    "check_job": "checking",
    "doubts_ahead": "probing",
    "look_at_queue": "broker",
    "open_people_desk": "people",
    "open_read_model": "people",
    "open_verification": "verifying",
    "opened_broker": "broker",
    "prepare_job": "preparing",
    "prepare_statements": "preparing",
    "put_messages_back": "broker",
    "report_subject": "reporting",
    "reset_job": "people",
    "run_job": "running",
    "show_requests": "checking",
    "work_for": "working",
}


def __getattr__(name: str) -> object:
    """Imports what is used: a run does not wait for what `check` and `prepare` look with."""
    if name in _PLACES:
        return getattr(import_module(f"penstock.wiring.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'penstock.wiring' has no attribute {name!r}")

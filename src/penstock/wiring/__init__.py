"""Composition: the only room that names concrete adapters. Whoever has a job and wants something done comes here."""

from penstock.wiring.checking import check_job, show_requests
from penstock.wiring.people import open_people_desk, open_read_model, reset_job
from penstock.wiring.preparing import prepare_job, prepare_statements
from penstock.wiring.probing import doubts_ahead
from penstock.wiring.running import run_job

__all__ = [
    "check_job",
    "doubts_ahead",
    "open_people_desk",
    "open_read_model",
    "prepare_job",
    "prepare_statements",
    "reset_job",
    "run_job",
    "show_requests",
]

"""Composition: the only room that names concrete adapters. Whoever has a job and wants something done comes here."""

from penstock.wiring.people import open_people_desk, open_read_model, reset_job
from penstock.wiring.running import run_job

__all__ = [
    "open_people_desk",
    "open_read_model",
    "reset_job",
    "run_job",
]

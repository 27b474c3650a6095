"""What a measurement needs and this machine does not have."""

from __future__ import annotations


class Missing(Exception):
    """One line: what is missing, and what to install."""

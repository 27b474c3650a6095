"""What makes the document of a request out of a row: the job file's `body`, its `transform`, or nothing but the row itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from penstock.errors import RowError
from penstock.mapping.compiled import Part
from penstock.mapping.scope import Scope
from penstock.mapping.transform import Transformed
from penstock.spec.models import Job


class Body(Protocol):
    def evaluate(self, values: Sequence[object], idempotency_key: str, /) -> object:
        """The document. Raises whatever its expressions raise."""
        ...

    def blame(self, error: Exception, values: Sequence[object], idempotency_key: str, /) -> RowError:
        """The error again, with what is at fault named."""
        ...


def compile_body(job: Job, scope: Scope) -> Body:
    """Raises JobError for a body that cannot be used with this query's columns, or a transform that cannot be loaded."""
    if job.transform is not None:
        return Transformed(job.transform, job.folder, tuple(scope.columns))
    part = Part(scope)
    if job.target.body is not None:
        return part.compiled(part.document(job.target.body, "target.body"))
    return part.compiled(part.row())

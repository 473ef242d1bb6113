"""What carries tasks out, and how a task's outcome is told from one process to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import told
from edgewise.common.interrupt import Interrupted
from edgewise.experiments.cell import CellResult
from edgewise.experiments.job import Job, carry_out
from edgewise.training.progress import Reporter

JobReporter = Callable[[int, int, str], None]
"""Told the index of a job, how much of its work is done, and a short text."""
Executor = Callable[[Sequence[Job], JobReporter], Iterator[tuple[Job, list[CellResult]]]]
"""Carries jobs out and yields each with its results when it is done, in any order."""
POLL_S = 0.5


def attempt(job: Job, report: Reporter) -> tuple[str, Any]:
    """Carry a job out, and say what came of it in a form that another process can be told: `unwrap` takes it."""
    try:
        return "results", carry_out(job, report)
    except Interrupted as error:
        return "interrupted", str(error)
    except EdgewiseError as error:
        return "error", str(error)
    except OSError as error:
        return "error", told(error)


def unwrap(kind: str, content: Any) -> list[CellResult]:
    """The results of an `attempt`, or its error."""
    if kind == "interrupted":
        raise Interrupted(content)
    if kind == "error":
        raise EdgewiseError(content)
    result: list[CellResult] = content
    return result

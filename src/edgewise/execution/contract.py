"""What carries tasks out, and how a task's outcome gets from one process to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from edgewise.common.errors import EdgewiseError
from edgewise.common.files import told
from edgewise.common.interrupt import Interrupted
from edgewise.common.progress import Reporter


@runtime_checkable
class Task(Protocol):
    """Work that can be carried out in another process: a dataclass that can be sent there, and so can its result."""

    @property
    def folder(self) -> Path | None:
        """Where it works, under one path for all that carry tasks out; None if it leaves no files."""

    def carry_out(self, report: Reporter) -> Any:
        """Carry the work out and return its result.

        Args:
            report: called with how much is done.
        """


TaskReporter = Callable[[int, int, str], None]
"""Called with the index of a task, how much of its work is done, and a short text."""
Executor = Callable[[Sequence[Any], TaskReporter], Iterator[tuple[Any, Any]]]
"""Carries tasks out and yields each with its result when it is done, in any order."""
POLL_S = 0.5
"""Seconds between two looks at what other processes have to say."""


def attempt(task: Task, report: Reporter) -> tuple[str, Any]:
    """Carry a task out, and return what came of it in a form that can be sent to another process: `unwrap` takes it."""
    try:
        return "results", task.carry_out(report)
    except Interrupted as error:
        return "interrupted", str(error)
    except EdgewiseError as error:
        return "error", str(error)
    except OSError as error:
        return "error", told(error)


def unwrap(kind: str, content: Any) -> Any:
    """The result of an `attempt`, or its error."""
    if kind == "interrupted":
        raise Interrupted(content)
    if kind == "error":
        raise EdgewiseError(content)
    return content

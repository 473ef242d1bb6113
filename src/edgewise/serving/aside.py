"""Requests that wait for programs of their size, and how long they do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edgewise.environments.service import Size
from edgewise.serving.models import Model
from edgewise.serving.programs import Programs
from edgewise.serving.requests import Job


class Aside:
    """Requests that wait for programs, at most one of each session.

    Args:
        programs: those that are compiled.
        longest_s: time that one waits, s.
        changed: held by whoever changes something, and told of it.
        go_on: what is done with a request that waits no more, while that is held.
    """

    def __init__(
        self, programs: Programs, longest_s: float, changed: threading.Condition, go_on: Callable[[Job], None]
    ) -> None:
        self._programs, self._longest_s = programs, longest_s
        self._changed, self._go_on = changed, go_on
        self._jobs: dict[str, Job] = {}

    @property
    def sessions(self) -> set[str]:
        """Whose requests wait."""
        return set(self._jobs)

    @property
    def left_s(self) -> float | None:
        """Time until one has waited too long, s; None if none waits."""
        ends = [job.aside + self._longest_s for job in self._jobs.values() if job.aside is not None]
        return max(min(ends) - time.perf_counter(), 0.0) if ends else None

    def put(self, job: Job, model: Model, size: Size) -> None:
        """Let a request wait until programs of a size are there, or it has waited too long."""
        with self._changed:
            job.aside = job.aside or time.perf_counter()
            self._jobs[job.session] = job
        self._programs.want(model, size, lambda: self._release(job))

    def too_long(self, job: Job) -> bool:
        """Whether a request has waited as long as one may."""
        return job.aside is not None and time.perf_counter() >= job.aside + self._longest_s

    def release_late(self) -> None:
        """Let those go on that have waited too long."""
        for job in list(self._jobs.values()):
            if self.too_long(job):
                self._release(job)

    def _release(self, job: Job) -> None:
        with self._changed:
            if self._jobs.get(job.session) is not job or job.aside is None:
                return  # it has gone on already
            del self._jobs[job.session]
            job.arrived = time.perf_counter()
            job.waited_s = job.arrived - job.aside
            self._go_on(job)
            self._changed.notify()

"""A day of requests: one event after another is told to the server, arrivals and tasks that are done."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from edgewise.common.client import Client
from edgewise.systems.service_selection.sampling import running_time

ADDRESS = "/v1/service-selection/sessions"


@runtime_checkable
class Curves(Protocol):
    """What tasks turn out to be worth."""

    def observed(self, provider: int, steps: float) -> float:
        """The quality of a task of so many steps at a provider, as it will be observed."""

    def best(self, steps: float) -> float:
        """The highest that any provider has for it."""


@dataclass
class Log:
    """What has happened.

    Attributes:
        quality: of every task that is done.
        best: the highest that any provider would have had for it.
        waited_s: simulated time that every task has waited for room, s.
        answered_s: seconds until the server's answers.
        degraded: answers that its reference rule has given.
        done_at: tasks done at each provider.
    """

    quality: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)
    degraded: int = 0
    done_at: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A request.

    Attributes:
        name: as the server is told it.
        time_s: of its arrival, s.
        steps: T, denoising steps.
    """

    name: str
    time_s: float
    steps: float


class Day:
    """Requests that are carried out at providers.

    Args:
        client: of the server.
        session: at the server.
        providers: their names.
        curves: theirs.
        pace: simulated seconds per second. If None, as fast as it goes.
    """

    def __init__(
        self, client: Client, session: str, providers: Sequence[str], curves: Curves, pace: float | None = None
    ) -> None:
        self.log = Log(done_at=dict.fromkeys(providers, 0))
        self._client, self._path = client, f"{ADDRESS}/{session}"
        self._providers, self._curves, self._pace = list(providers), curves, pace
        self._running: list[tuple[float, str, str, float]] = []
        self._waiting: deque[Task] = deque()
        self._began: tuple[float, float] | None = None

    def run(self, tasks: Sequence[Task], tell: Callable[[int, Log], None]) -> Log:
        """Serve tasks in the order of their arrival, until the last one is done.

        Args:
            tasks: to serve.
            tell: called after every task that is done, with their number.

        Raises:
            EdgewiseError: if the server refuses something, or cannot be reached.
        """
        for task in tasks:
            self._finish_until(task.time_s, tell)
            self._wait_for(task.time_s)
            if self._waiting or not self._assign(task, task.time_s):
                self._waiting.append(task)
        self._finish_until(np.inf, tell)
        return self.log

    def _finish_until(self, time_s: float, tell: Callable[[int, Log], None]) -> None:
        """Tell of every task that is done by then, and let those that wait have the room."""
        while self._running and self._running[0][0] <= time_s:
            end, name, provider, quality = heapq.heappop(self._running)
            self._wait_for(end)
            self._post("complete", {"task": name, "quality": quality, "time_s": end})
            self.log.quality.append(quality)
            self.log.done_at[provider] += 1
            tell(len(self.log.quality), self.log)
            while self._waiting and self._assign(self._waiting[0], end):
                self._waiting.popleft()

    def _assign(self, task: Task, now_s: float) -> bool:
        """Whether a provider has room for a task; it runs there then."""
        told = self._post("assign", {"task": task.name, "steps": task.steps, "time_s": now_s})
        provider = told["answer"]["provider"]
        if provider is None:
            return False
        place = self._providers.index(provider)
        quality = self._curves.observed(place, task.steps)
        end = now_s + float(running_time(jnp.asarray(task.steps)))
        heapq.heappush(self._running, (end, task.name, provider, quality))
        self.log.best.append(self._curves.best(task.steps))
        self.log.waited_s.append(now_s - task.time_s)
        self.log.degraded += bool(told["degraded"])
        return True

    def _post(self, word: str, content: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        told = self._client.post(f"{self._path}/{word}", content)
        if word == "assign":
            self.log.answered_s.append(time.perf_counter() - began)
        return told

    def _wait_for(self, time_s: float) -> None:
        if self._pace is None:
            return
        if self._began is None:
            self._began = time.monotonic(), time_s
        begun, first = self._began
        time.sleep(max(0.0, begun + (time_s - first) / self._pace - time.monotonic()))

"""Decisions in time: a policy's, or the reference rule's where the policy is late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from edgewise.serving.models import Model


@dataclass(frozen=True)
class Decision:
    """What was decided.

    Attributes:
        action: in arrays of NumPy.
        policy: digest of the policy that was asked.
        degraded: whether the reference rule answered in its place.
        milliseconds: from the question to the action.
    """

    action: Any
    policy: str
    degraded: bool
    milliseconds: float


class Decider:
    """Asks policies.

    Args:
        deadline_s: time after which the reference rule answers, s.
    """

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._threads = ThreadPoolExecutor(1, "policy")

    async def decide(self, model: Model, observation: Any, rule: Callable[[], Any]) -> Decision:
        """The action of a policy, or the rule's if the deadline passes.

        Args:
            model: whose policy is asked.
            observation: without batch axes.
            rule: the reference rule's action.

        Raises:
            ArtefactError: if the policy does not take the observation.
        """
        began = time.perf_counter()
        asked = asyncio.get_running_loop().run_in_executor(self._threads, model.artefact.act, observation)
        done, _ = await asyncio.wait([asked], timeout=self._deadline_s)
        action = asked.result() if done else rule()
        return Decision(action, model.digest, not done, 1000 * (time.perf_counter() - began))

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

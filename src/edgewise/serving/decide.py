"""Decisions: simultaneous questions are put to a policy together, in a thread of their own."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from edgewise.serving.actor import same, shapes_of
from edgewise.serving.logs import LOG
from edgewise.serving.measures import Measures
from edgewise.serving.models import Model


@dataclass(frozen=True)
class Decision:
    """What was decided.

    Attributes:
        action: in arrays of NumPy.
        policy: digest of the policy that was asked.
        because: why the reference rule answered in its place; None if it did not.
        milliseconds: from the question to the action.
        memory: of the policy, for the session's next question.
    """

    action: Any
    policy: str
    because: str | None
    milliseconds: float
    memory: Any = ()

    @property
    def degraded(self) -> bool:
        """Whether the reference rule answered in the policy's place."""
        return self.because is not None


@dataclass(frozen=True)
class Put:
    """A question that is put to a policy.

    Attributes:
        model: it, with the policy that it has now.
        observation: without batch axes, in the arrays that the policy takes.
        memory: of the policy. If None, that of an episode's start.
        shadow: another model that is asked too, and never answers.
        answer: the action, and the memory after it.
    """

    model: Model
    observation: Any
    memory: Any = None
    shadow: Model | None = None
    answer: Future[tuple[Any, Any]] = field(default_factory=Future)

    @property
    def asked(self) -> tuple[Any, Any]:
        """What the policy's actor takes."""
        return self.observation, self.model.actor.begin if self.memory is None else self.memory


class Decider:
    """Asks policies.

    Args:
        deadline_s: time in which they have to answer, s.
        measures: where it is counted.
    """

    def __init__(self, deadline_s: float, measures: Measures) -> None:
        self.deadline_s = deadline_s
        self._measures = measures
        self._waiting: list[Put] = []
        self._changed = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._work, name="policies", daemon=True)
        self._thread.start()

    def put(self, questions: Sequence[Put]) -> None:
        """Put questions to their policies; each one's `answer` tells the end."""
        with self._changed:
            self._waiting += questions
            self._changed.notify()

    def close(self) -> None:
        """Answer what waits, then end."""
        with self._changed:
            self._open = False
            self._changed.notify()
        self._thread.join(timeout=10)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or not self._open)
                batch, self._waiting = self._waiting, []
            if not batch:
                return
            for group in _alike(batch):
                self._answer(group)

    def _answer(self, group: list[Put]) -> None:
        """Answer questions to one policy of the same shapes."""
        group = [question for question in group if question.answer.set_running_or_notify_cancel()]
        if not group:
            return
        model = group[0].model
        self._measures.batch.labels(model.name).observe(len(group))
        try:
            answers = model.actor.act([question.asked for question in group])
        except Exception as error:
            for question in group:
                question.answer.set_exception(error)
            return
        for question, answer in zip(group, answers, strict=True):
            question.answer.set_result(answer)
        for question, (action, _) in zip(group, answers, strict=True):
            if question.shadow is not None:
                self._compare(question, question.shadow, action)

    def _compare(self, question: Put, shadow: Model, action: Any) -> None:
        """Ask a shadow the same, and count whether it would have decided so too."""
        try:
            other, _ = shadow.actor.act([(question.observation, shadow.actor.begin)])[0]
        except Exception as error:
            LOG.warning("shadow failed", model=question.model.name, shadow=shadow.name, error=str(error))
            return
        agrees = str(same(action, other)).lower()
        self._measures.shadows.labels(question.model.name, shadow.name, shadow.digest, agrees).inc()


def _alike(batch: Sequence[Put]) -> list[list[Put]]:
    groups: dict[Any, list[Put]] = defaultdict(list)
    for question in batch:
        groups[question.model.digest, shapes_of(question.asked)].append(question)
    return list(groups.values())

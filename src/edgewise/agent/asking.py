"""Modules are asked: with a count of what that costs, within budgets, and so that an answer of no use takes no run down."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from edgewise.agent.conduct import Conduct, Over
from edgewise.agent.device.errors import DeviceError
from edgewise.agent.modules.interfaces import Decision, Modules, Situation, ThinksAgain
from edgewise.agent.spent import Spent, TellsSpent
from edgewise.common.errors import EdgewiseError

Answer = TypeVar("Answer")
MOST_INVALID = 3
"""Answers in a row that cannot be used, after which a run ends."""


class Asking:
    """An agent's modules, and what they have cost.

    Args:
        modules: that are asked.
        conduct: budgets.
    """

    def __init__(self, modules: Modules, conduct: Conduct) -> None:
        self._modules, self._conduct = modules, conduct
        self._began, self._invalid = time.monotonic(), 0
        self.steps, self.spent = 0, Spent()
        self.begin_step()

    def begin_step(self) -> None:
        """Count anew what belongs to one step."""
        self.latency: dict[str, float] = {}
        self.in_step = Spent()
        self.notes: list[str] = []

    @property
    def seconds(self) -> float:
        """Since the first question could have been asked."""
        return time.monotonic() - self._began

    def check(self) -> None:
        """Stay within the budgets.

        Raises:
            Over: with the name of the one that is used up.
        """
        broken = self._conduct.limits.broken(self.steps, self.spent, self.seconds)
        if broken:
            raise Over(broken)

    def ask(self, place: str, question: Any, otherwise: Answer) -> Answer:
        """The answer of the module in a place; where it gives none, `otherwise`.

        Raises:
            Over: if a budget is used up, or too many answers in a row were of no use.
            DeviceError: of the perception module, which may need what the phone did not give.
        """
        module: Any = getattr(self._modules, place)
        return self._answer(place, lambda: module(question), otherwise)

    @property
    def thinks_again(self) -> bool:
        """Whether the decision module can be told what was wrong with a decision."""
        return isinstance(self._modules.decision, ThinksAgain)

    def again(self, situation: Situation, wrong: tuple[str, ...]) -> Decision | None:
        """Another decision of a module that can think again; None where it gives none. Errors as of `ask`.

        Args:
            situation: as before.
            wrong: what was wrong with its decisions in this situation.
        """
        module = self._modules.decision
        assert isinstance(module, ThinksAgain)
        return self._answer("decision", lambda: module.again(situation, wrong), None)

    def _answer(self, place: str, answers: Callable[[], Any], otherwise: Answer) -> Answer:
        self.check()
        module = getattr(self._modules, place)
        before = module.spent() if isinstance(module, TellsSpent) else None
        begun = time.perf_counter()
        try:
            answer: Answer = answers()
            if answer is None:
                raise EdgewiseError("no answer")
        except Exception as error:  # a module may be anybody's: what it raises must not take the run down
            if isinstance(error, DeviceError) and place == "perception":
                raise
            self.note_invalid(place, error)
            return otherwise
        finally:
            self.latency[place] = self.latency.get(place, 0.0) + time.perf_counter() - begun
            spent = Spent(1) if before is None else module.spent() - before
            self.spent, self.in_step = self.spent + spent, self.in_step + spent
        return answer

    def note_whole(self) -> None:
        """A whole action came of the answers: those of no use before it are forgiven."""
        self._invalid = 0

    def next_best(self, situation: Situation, decision: Decision) -> Sequence[Decision]:
        """What the decision module would do otherwise, the best first; nothing where it does not tell (`ranked`)."""
        ranked = getattr(self._modules.decision, "ranked", None)
        if ranked is None:
            return ()
        try:
            return [each for each in ranked(situation) if each != decision]
        except Exception as error:
            self.note_invalid("decision", error)
            return ()

    def note_invalid(self, place: str, error: Exception) -> None:
        """Count an answer that cannot be used.

        Raises:
            Over: if there were too many in a row.
        """
        told = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        self.notes.append(f"{place}: {told}")
        self._invalid += 1
        if self._invalid >= MOST_INVALID:
            raise Over("invalid", f"{place}: {told}") from None

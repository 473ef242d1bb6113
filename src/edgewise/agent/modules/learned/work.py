"""Learned modules at work in an agent: one request at a time, and what the decision module would do otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgewise.agent.modules.interfaces import Decision, Situation
from edgewise.agent.modules.learned.action import PhoneAction, whole_action
from edgewise.agent.modules.learned.choices import decision_of
from edgewise.agent.modules.learned.decision import PhoneDecision
from edgewise.agent.modules.learned.encode import room_for
from edgewise.agent.modules.learned.kind import PhoneKind
from edgewise.construction.kind import Weights

RANKED = 6
"""Decisions that are told of, the likeliest first."""
UNLIKELY = 1e-4
"""Probability below which a decision is not told of."""


def at_work(kind: PhoneKind, weights: Weights) -> Callable[[Any], Any]:
    """A module at work in an agent.

    Args:
        kind: of the module.
        weights: its own.

    Raises:
        ConfigurationError: if they do not fit.
    """
    if isinstance(kind, PhoneDecision):
        return Decider(kind, weights)
    answer = kind.answering_with(weights)
    if isinstance(kind, PhoneAction):
        return lambda intent: answer([intent])[0] if intent.decision.kind == "type" else whole_action(intent)
    return lambda request: answer([request])[0]


class Decider:
    """A decision module at work.

    Args:
        kind: of the module.
        weights: its own.
    """

    def __init__(self, kind: PhoneDecision, weights: Weights) -> None:
        kind.check_weights(weights)
        self._kind, self._weights = kind, weights
        self._last: tuple[Situation, list[Decision]] | None = None

    def __call__(self, situation: Situation, /) -> Decision:
        return self.ranked(situation)[0]

    def ranked(self, situation: Situation, /) -> list[Decision]:
        """What may be done, the likeliest first."""
        if self._last is None or self._last[0] is not situation:
            self._last = (situation, self._ranked(situation))
        return self._last[1]

    def _ranked(self, situation: Situation) -> list[Decision]:
        items = room_for(situation).items
        chances = self._kind.chances(self._weights, situation)[0]
        places = [int(each) for each in (-chances).argsort()[:RANKED]]
        kept = [place for place in places if chances[place] >= UNLIKELY] or places[:1]
        return [decision_of(place, items, situation, float(chances[place])) for place in kept]

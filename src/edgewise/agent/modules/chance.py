"""Modules that act at random: a lower bound for all others."""

from __future__ import annotations

import random

from edgewise.agent.actions import Action
from edgewise.agent.agents import Setting
from edgewise.agent.modules.interfaces import (
    Change,
    Decision,
    Intent,
    Kept,
    Modules,
    Plan,
    Reflected,
    Situation,
)
from edgewise.agent.perception.plain import PlainPerception


class ChanceDecision:
    """Anything that can be touched, each with the same probability, or to scroll, go back, open an app.

    Args:
        rng: that draws.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def __call__(self, situation: Situation, /) -> Decision:
        return self._rng.choice(self._ways(situation))

    def ranked(self, situation: Situation) -> list[Decision]:
        """All that could have been drawn, in an order that is drawn."""
        ways = self._ways(situation)
        return self._rng.sample(ways, len(ways))

    def _ways(self, situation: Situation) -> list[Decision]:
        screen, ways = situation.screen, [Decision(kind="press", key="back")]
        ways += [Decision(kind="tap", item=each.number) for each in screen.items if each.touchable]
        ways += [Decision(kind="long_press", item=each.number) for each in screen.items if each.holdable]
        ways += [
            Decision(kind="scroll", item=each.number, direction="down") for each in screen.items if each.scrollable
        ]
        if situation.apps:
            ways.append(Decision(kind="open_app", app=self._rng.choice(situation.apps)))
        if any(each.focused for each in screen.items):
            ways += len(ways) * [Decision(kind="type")]
        return ways


class Chance:
    """Memory, planning, action and reflection that know nothing.

    Args:
        rng: that draws.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def remember(self, situation: Situation, /) -> Kept:
        return Kept()

    def plan(self, situation: Situation, /) -> Plan:
        return Plan(finished=situation.finished)

    def act(self, intent: Intent, /) -> Action:
        decision = intent.decision
        text = decision.app
        if decision.kind == "type":
            words = intent.situation.instruction.split() or ["text"]
            text = self._rng.choice(words)
        return Action(kind=decision.kind, item=decision.item, text=text, direction=decision.direction, key=decision.key)

    def reflect(self, change: Change, /) -> Reflected:
        return Reflected(outcome="A", confidence=0.5)


def chance(setting: Setting) -> Modules:
    """Modules that act at random."""
    rng = random.Random(f"agent {setting.seed}")  # the same seed and the same questions give the same answers
    each = Chance(rng)
    names = {"perception": "tree"} | dict.fromkeys(("memory", "planning", "decision", "action", "reflection"), "random")
    return Modules(PlainPerception(), each.remember, each.plan, ChanceDecision(rng), each.act, each.reflect, names)

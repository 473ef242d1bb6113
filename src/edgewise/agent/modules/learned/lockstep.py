"""Many agents of the same modules on many simulated phones at a time: each module is asked once for all of them.

No pictures are drawn: what changed is told from the parts on the display. It is how an agent is tested when it is integrated;
`agent.evaluate` is how it is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from edgewise.agent.actions import Action
from edgewise.agent.modules.interfaces import FACTS, STEPS, Change, Decision, Fact, Intent, Past, Situation
from edgewise.agent.modules.learned.action import whole_action
from edgewise.agent.modules.learned.judged import changed_share, scroll
from edgewise.agent.modules.learned.perceived import from_tree
from edgewise.agent.modules.learned.texts import candidates
from edgewise.agent.phone.apps.catalogue import packages
from edgewise.agent.phone.core import Gesture, Open, Press, Swipe, Tap, Type, step
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.oracle import HOLD_S, solve
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.screen import Screen

Many = Callable[[list[Any]], list[Any]]
"""A module that takes several requests."""
INK = 0.5
"""How far only letters change of what is another, see `changed_share`."""
SLACK, SPARE = 1.5, 3
"""Steps of an agent over those of the oracle, and further ones, after which it is stopped."""


@dataclass
class _Run:
    """A task, as far as it is."""

    task: Task
    state: State
    screen: Screen
    left: int
    finished: int = 0
    facts: tuple[Fact, ...] = ()
    past: tuple[Past, ...] = ()
    reached: int = 0
    said: bool = False

    @property
    def situation(self) -> Situation:
        """What modules are told."""
        told = self.past[-STEPS:]
        return Situation(
            instruction=self.task.instruction,
            screen=self.screen,
            finished=self.finished,
            facts=self.facts,
            past=told,
            apps=packages(),
        )


def successes(modules: Mapping[str, Many], tasks: Sequence[Task]) -> Bool[np.ndarray, " n"]:
    """Which tasks are done when the agent says so.

    Args:
        modules: for memory, planning, decision, action and reflection, by place.
        tasks: of the simulated phone; see `tasks.suites.draw_tasks`.
    """
    runs = [_Run(task, task.start, from_tree(task.start), round(SLACK * len(solve(task))) + SPARE) for task in tasks]
    going = list(runs)
    while going:
        for run in going:
            run.reached = run.task.progress(run.reached, run.state)
        _understand(modules, going)
        going = [run for run in going if not run.said and run.left > 0]
        if going:
            _step(modules, going)
    return np.array([run.said and run.task.succeeded(run.reached, run.state) for run in runs])


def _understand(modules: Mapping[str, Many], going: list[_Run]) -> None:
    for run, kept in zip(going, modules["memory"]([run.situation for run in going]), strict=True):
        if kept.fact is not None and all(each.text != kept.fact.text for each in run.facts):
            run.facts = (*run.facts, kept.fact)[-FACTS:]
    for run, plan in zip(going, modules["planning"]([run.situation for run in going]), strict=True):
        run.finished, run.said = plan.finished, plan.done


def _step(modules: Mapping[str, Many], going: list[_Run]) -> None:
    situations = [run.situation for run in going]
    decisions = modules["decision"](situations)
    actions = _completed(modules, [Intent(situation=s, decision=d) for s, d in zip(situations, decisions, strict=True)])
    changes = []
    for run, situation, action in zip(going, situations, actions, strict=True):
        run.left -= 1
        gesture = gesture_of(action, run.state, run.screen)
        reached = run.state if gesture is None else step(run.state, gesture)
        screen = from_tree(reached)
        share = changed_share(run.state, reached, INK)
        changes.append(Change(before=situation, action=action, after=screen, changed=share))
        run.state = reached
    for run, change, answer in zip(going, changes, modules["reflection"](changes), strict=True):
        item = None if change.action.item is None else run.screen.items[change.action.item]
        past = Past(
            action=change.action,
            target="" if item is None else item.label,
            page=run.screen.title,
            outcome=answer.outcome,
            finished=run.finished,
        )
        run.past, run.screen = (*run.past, past), change.after


def _completed(modules: Mapping[str, Many], intents: list[Intent]) -> list[Action]:
    """Whole actions; the action module is asked where something is typed, and there is something to type."""
    typing = [place for place, each in enumerate(intents) if each.decision.kind == "type"]
    typing = [place for place in typing if any(candidates(intents[place].situation))]
    typed = dict(zip(typing, modules["action"]([intents[place] for place in typing]), strict=True)) if typing else {}
    wait = Decision(kind="wait")
    others = [each.model_copy(update={"decision": wait}) if each.decision.kind == "type" else each for each in intents]
    return [typed.get(place) or whole_action(each) for place, each in enumerate(others)]


def gesture_of(action: Action, state: State, screen: Screen) -> Gesture | None:
    """The gesture of an action on the simulated phone; None where it does nothing."""
    item = None if action.item is None or action.item >= len(screen.items) else screen.items[action.item]
    if action.kind == "type":
        return Type(action.text, action.clear)
    if action.kind == "open_app":
        return Open(action.text.rsplit(".", 1)[-1])
    if action.kind == "press" and action.key is not None:
        return Press(action.key)
    if action.kind == "scroll":
        return scroll(state, action.direction or "down")
    if item is None or action.kind not in ("tap", "double_tap", "long_press"):
        return None
    if action.kind == "long_press":
        return Swipe(*item.middle, *item.middle, HOLD_S)
    return Tap(*item.middle)

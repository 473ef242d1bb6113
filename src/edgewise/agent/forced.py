"""Modules judged on the oracle's states ("teacher-forced"), so that an error of one does not lead the others astray.

The run is the oracle's; in every step the judged modules are asked beside it, told what is true so far, and do nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from edgewise.agent.actions import Action
from edgewise.agent.conduct import Conduct, Limits
from edgewise.agent.device.errors import DeviceError
from edgewise.agent.eyes import share_changed
from edgewise.agent.hands import MADE, NoSuchItem, perform
from edgewise.agent.loop import run_agent
from edgewise.agent.measures import Episode, Share, gestures_of
from edgewise.agent.modules.interfaces import Change, Decision, Intent, Look, Modules, Plan, Reflected, Situation
from edgewise.agent.modules.oracle import Oracle
from edgewise.agent.perception.plain import digest_of
from edgewise.agent.permission import anything
from edgewise.agent.phone.apps.catalogue import packages
from edgewise.agent.phone.in_process import SimulatedDevice
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.state import State
from edgewise.agent.phone.tasks.task import Task
from edgewise.agent.screen import Screen
from edgewise.agent.truth import Truth
from edgewise.common.errors import EdgewiseError


def _right(judge: Callable[[], bool]) -> bool:
    """Whether an answer of a judged module is right; where it gives none, it is not."""
    try:
        return judge()
    except EdgewiseError:
        return False


class _Lesson:
    """A task that the oracle does while modules are asked beside it.

    Args:
        truth: exact knowledge.
        modules: that are judged.
        tree: whether the tree of elements may be used.
        seed: of the other actions that reflection is asked about.
    """

    def __init__(self, truth: Truth, modules: Modules, tree: bool, seed: int) -> None:
        self._truth, self._modules, self._tree = truth, modules, tree
        self.oracle = Oracle(truth, modules.perception)
        self._rng = random.Random(f"forced {seed}")
        self._png = b""
        self.decisions, self.reflections, self.plans = Share(), Share(), Share()

    def perceive(self, look: Look, /) -> Screen:
        self._png = look.png
        return self.oracle.perceive(look)

    def plan(self, situation: Situation, /) -> Plan:
        def judge() -> bool:
            asked = self._modules.planning(situation)
            return asked.finished == self._truth.done and asked.done == self._truth.all_done

        self.plans = self.plans.add(_right(judge))
        return self.oracle.plan(situation)

    def decide(self, situation: Situation, /) -> Decision:
        def judge() -> bool:
            action = self._modules.action(Intent(situation=situation, decision=self._modules.decision(situation)))
            state, after = self._truth.session.state, self._after(action, situation.screen)
            return after is not None and self._truth.shortened(self._truth.done, state, after, gestures_of(action))

        self.decisions = self.decisions.add(_right(judge))
        self._ask_of_another(situation)
        return self.oracle.decide(situation)

    def _after(self, action: Action, screen: Screen) -> State | None:
        """The state after an action on a phone like that of now; None if it cannot be done."""
        if action.kind not in MADE:
            return None
        copy = Session(self._truth.session.state)
        try:
            perform(SimulatedDevice(copy), screen, action, lambda seconds: None)
        except (DeviceError, NoSuchItem):
            return None
        return copy.state

    def _ask_of_another(self, situation: Situation) -> None:
        """Ask reflection about an action that was drawn, most of which are wrong."""
        screen = situation.screen
        ways = [Action(kind="tap", item=each.number) for each in screen.items if each.touchable]
        action = self._rng.choice([*ways, Action(kind="press", key="back")])
        after = self._after(action, screen)
        if after is None:
            return
        device = SimulatedDevice(Session(after))
        png = device.screenshot()
        if digest_of(png) == screen.picture:
            return
        look = Look(png, device.tree() if self._tree else None, device.foreground(), device.keyboard_shown())
        seen = self._modules.perception(look)
        self._judge(Change(before=situation, action=action, after=seen, changed=share_changed(self._png, png)), after)

    def _judge(self, change: Change, after: State) -> None:
        truth = self._truth
        outcome = truth.outcome(truth.done, truth.session.state, after, gestures_of(change.action))
        self.reflections = self.reflections.add(_right(lambda: self._modules.reflection(change).outcome == outcome))

    def reflect(self, change: Change, /) -> Reflected:
        told = self.oracle.reflect(change)
        self.reflections = self.reflections.add(
            _right(lambda: self._modules.reflection(change).outcome == told.outcome)
        )
        return told


def forced(task: Task, modules: Modules, *, tree: bool = True, seed: int = 0, most: int = 60) -> Episode:
    """Judge modules on the states of the oracle's way through a task.

    Args:
        task: of the simulated phone.
        modules: that are judged; they need no exact knowledge.
        tree: whether the tree of elements may be used.
        seed: of the other actions that reflection is asked about, one a step.
        most: steps.

    Returns:
        With `decisions`, `asked` reflections (pictures that differ alone) and `plans`; the run itself is the oracle's.
    """
    session = Session(task.start)
    truth = Truth(session, task)
    lesson = _Lesson(truth, modules, tree, seed)
    asked = Modules(
        lesson.perceive, lesson.oracle.remember, lesson.plan, lesson.decide, lesson.oracle.act, lesson.reflect
    )
    conduct = Conduct(Limits(steps=most, calls=10**6), tree=tree, verify=False, late_s=0.0)
    end = run_agent(task.instruction, SimulatedDevice(session), asked, conduct, apps=packages(), allow=anything)
    return Episode(
        kind=task.name,
        suite=task.suite,
        seed=seed,
        instruction=task.instruction,
        succeeded=truth.succeeded,
        reason=end.reason,
        told=end.told,
        decisions=lesson.decisions,
        asked=lesson.reflections,
        plans=lesson.plans,
    )

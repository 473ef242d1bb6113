"""Modules with exact knowledge of a simulated phone and its task: an upper bound for all others.

They answer in terms of the screen that was perceived: of an item whose box holds the point of the oracle's gesture.
"""

from __future__ import annotations

from edgewise.agent.actions import Action
from edgewise.agent.agents import Setting
from edgewise.agent.device.device import Key
from edgewise.agent.modules.interfaces import (
    FACTS,
    Change,
    Decision,
    Fact,
    Intent,
    Kept,
    Look,
    Modules,
    Perceives,
    Plan,
    Reflected,
    Situation,
)
from edgewise.agent.perception.plain import PlainPerception
from edgewise.agent.phone.apps.catalogue import find_app
from edgewise.agent.phone.core import HOLD_S, SLIP, Gesture, Open, Press, Swipe, Tap, Type, step
from edgewise.agent.phone.state import State
from edgewise.agent.screen import Item, Screen
from edgewise.agent.truth import Truth, same_way
from edgewise.common.errors import EdgewiseError

SEEN = 256
"""Pictures of which the state is remembered."""
KEYS: dict[str, Key] = {"back": "back", "home": "home", "enter": "enter", "recents": "recents"}


def holding(screen: Screen, x: int, y: int) -> list[Item]:
    """Items whose boxes hold a pixel, those that can be touched first, then the smallest."""

    def area(item: Item) -> int:
        left, top, right, bottom = item.box
        return (right - left) * (bottom - top)

    found = [each for each in screen.items if each.box[0] <= x < each.box[2] and each.box[1] <= y < each.box[3]]
    return sorted(found, key=lambda each: (not (each.touchable or each.holdable), area(each)))


def action_of(gesture: Gesture, state: State, screen: Screen) -> Action | None:
    """A gesture of the simulated phone as an agent's action; None if no item on the screen stands for it."""
    if isinstance(gesture, Open):
        return Action(kind="open_app", text=find_app(gesture.app).package)
    if isinstance(gesture, Press):
        return Action(kind="press", key=KEYS[gesture.button]) if gesture.button in KEYS else None
    if isinstance(gesture, Type):
        return Action(kind="type", text=gesture.text, clear=gesture.clear)
    if isinstance(gesture, Tap):
        item = _item(gesture, state, screen)
        return None if item is None else Action(kind="tap", item=item.number)
    if max(abs(gesture.to_x - gesture.x), abs(gesture.to_y - gesture.y)) <= SLIP:
        item = _item(gesture, state, screen)
        kind = "long_press" if gesture.seconds >= HOLD_S else "tap"
        return None if item is None else Action.model_validate({"kind": kind, "item": item.number})
    lists = [each for each in holding(screen, gesture.x, gesture.y) if each.scrollable]
    number = lists[0].number if lists else None
    return Action(kind="scroll", direction="down" if gesture.y > gesture.to_y else "up", item=number)


def _item(gesture: Tap | Swipe, state: State, screen: Screen) -> Item | None:
    """The item to be touched: one whose middle does what the gesture does, if there is one."""
    wanted = step(state, gesture)
    found = holding(screen, gesture.x, gesture.y)
    for each in found:
        x, y = each.middle
        again = Tap(x, y) if isinstance(gesture, Tap) else Swipe(x, y, x, y, gesture.seconds)
        if same_way(state, step(state, again), wanted):
            return each
    return found[0] if found else None


class Oracle:
    """The six modules.

    Args:
        truth: exact knowledge.
        perceive: tells what is on the display. If None, the tree of elements.
    """

    def __init__(self, truth: Truth, perceive: Perceives | None = None) -> None:
        self._truth = truth
        self._perceive = perceive or PlainPerception()
        self._seen: dict[str, tuple[State, int]] = {}

    def perceive(self, look: Look, /) -> Screen:
        screen = self._perceive(look)
        if len(self._seen) >= SEEN:
            self._seen.pop(next(iter(self._seen)))
        self._seen[screen.picture] = (self._truth.session.state, self._truth.done)
        return screen

    def remember(self, situation: Situation, /) -> Kept:
        known = {each.text for each in situation.facts}
        for subgoal in self._truth.task.subgoals[: self._truth.done]:
            if subgoal.fact and subgoal.fact not in known and len(known) < FACTS:
                for item in situation.screen.items:
                    if subgoal.fact in (item.text, item.detail, item.description):
                        return Kept(fact=Fact(text=subgoal.fact, source=situation.screen.title), item=item.number)
        return Kept()

    def plan(self, situation: Situation, /) -> Plan:
        truth = self._truth
        told = tuple(each.told for each in truth.task.subgoals)
        following = "" if truth.all_done else told[truth.done]
        return Plan(finished=truth.done, done=truth.all_done, subgoals=told, next=following)

    def _action(self, screen: Screen) -> Action:
        truth, state = self._truth, self._truth.session.state
        for gesture in sorted(truth.best(truth.done, state), key=repr):
            action = action_of(gesture, state, screen)
            if action is not None:
                return action
        return Action(kind="finish", outcome="success" if truth.all_done else "infeasible")

    def decide(self, situation: Situation, /) -> Decision:
        action = self._action(situation.screen)
        app = action.text if action.kind == "open_app" else ""
        return Decision(kind=action.kind, item=action.item, direction=action.direction, key=action.key, app=app)

    def act(self, intent: Intent, /) -> Action:
        return self._action(intent.situation.screen)

    def reflect(self, change: Change, /) -> Reflected:
        before, done = self._seen.get(change.before.screen.picture, (self._truth.session.state, self._truth.done))
        gestures = 2 if change.action.submit or change.action.kind == "double_tap" else 1
        return Reflected(outcome=self._truth.outcome(done, before, self._truth.session.state, gestures))


def oracle(setting: Setting) -> Modules:
    """Modules with exact knowledge.

    Raises:
        EdgewiseError: on a phone that is not simulated, or without one of its tasks.
    """
    if setting.truth is None:
        raise EdgewiseError("modules = 'oracle': they know tasks of the simulated phone alone: give --task")
    each = Oracle(setting.truth)
    names = dict.fromkeys(("perception", "memory", "planning", "decision", "action", "reflection"), "oracle")
    return Modules(each.perceive, each.remember, each.plan, each.decide, each.act, each.reflect, names)

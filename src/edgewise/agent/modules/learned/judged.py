"""What is right on a display and what a step comes to: choices, gestures, outcomes, how much of a picture changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgewise.agent.actions import Action
from edgewise.agent.modules.interfaces import Outcome, Situation
from edgewise.agent.modules.learned.choices import (
    BACK,
    DOWN,
    GLOBALS,
    HOME,
    TYPE,
    UP,
    decision_of,
)
from edgewise.agent.modules.learned.encode import FEW
from edgewise.agent.modules.learned.texts import candidates, place_of
from edgewise.agent.phone.core import Gesture, Open, Press, Swipe, Tap, Type, act, step, view
from edgewise.agent.phone.state import Event, State
from edgewise.agent.phone.tasks.oracle import HOLD_S, SCROLL
from edgewise.agent.phone.tasks.task import Subgoal
from edgewise.agent.screen import Screen

LEAST_INK = 0.03
"""Least share of a box that changes when its text does."""
KEYS = 0.2
"""Share of the picture that the keyboard takes."""


def changed_share(before: State, after: State, ink: float) -> float:
    """Share of the picture that is another, roughly: pictures themselves would take long.

    Args:
        before, after: states of the phone.
        ink: from 0, where all of the boxes that are another change, to 1, where only letters do.
    """
    first, second = view(before), view(after)
    if (first.size, first.widgets, first.keys, first.page.dialog) == (
        second.size,
        second.widgets,
        second.keys,
        second.page.dialog,
    ):
        return 0.0
    other = set(_boxes(before)) ^ set(_boxes(after))
    area = sum((right - left) * (bottom - top) for _, (left, top, right, bottom) in other)
    share = min(1.0, area / (first.size[0] * first.size[1]) + KEYS * (bool(first.keys) != bool(second.keys)))
    return min(1.0, max(1e-4, share * LEAST_INK**ink))


def touched(state: State, gesture: Gesture) -> Event | None:
    """What a touch or a long press of a widget does; None for any other gesture."""
    if isinstance(gesture, Swipe) and (gesture.x, gesture.y) != (gesture.to_x, gesture.to_y):
        return None
    if not isinstance(gesture, Tap | Swipe):
        return None
    widget = view(state).at(gesture.x, gesture.y)
    return None if widget is None else widget.event if isinstance(gesture, Tap) else widget.hold


def settled(state: State) -> State:
    """The state without what does not matter to the way: which apps were used."""
    return replace(state, recents=())


def right_choices(
    state: State, situation: Situation, ends: frozenset[State], subgoal: Subgoal
) -> tuple[frozenset[int], frozenset[int]]:
    """Places of all choices and of all texts that lead where the oracle's gestures lead.

    Args:
        state: of the phone.
        situation: as it is perceived.
        ends: states to which the oracle's gestures lead, see `settled`.
        subgoal: that is due.
    """
    room, base = FEW[0], 2 * FEW[0]
    known: dict[Event, bool] = {}

    def leads(event: Event | None) -> bool:
        if event is None:
            return False
        if event not in known:
            known[event] = settled(act(state, event)) in ends
        return known[event]

    found: set[int] = set()
    for item in situation.screen.items[:room]:
        widget = view(state).at(*item.middle)
        if widget is not None and leads(widget.event):
            found.add(item.number)
        if widget is not None and leads(widget.hold):
            found.add(room + item.number)
    gestures: dict[int, Gesture] = {
        base + BACK: Press("back"),
        base + HOME: Press("home"),
        base + DOWN: scroll(state, "down"),
        base + UP: scroll(state, "up"),
    }
    for place, package in enumerate(situation.apps):
        if package.endswith(f".{subgoal.app}"):
            gestures[base + GLOBALS + place] = Open(subgoal.app)
    found |= {place for place, gesture in gestures.items() if settled(step(state, gesture)) in ends}
    texts = {
        place_of(place, clear)
        for place, text in enumerate(candidates(situation))
        for clear in (False, True)
        if state.focus and text and settled(step(state, Type(text, clear))) in ends
    }
    if texts:
        found.add(base + TYPE)
    if not found:  # the app can only be opened by its name, and is not among those that can: back to where its icon is
        found.add(base + HOME)
    return frozenset(found), frozenset(texts)


def scroll(state: State, direction: str) -> Swipe:
    """The swipe that scrolls the page as far as the oracle does."""
    _, top, wide, floor = view(state).body
    far, middle = round(SCROLL * (floor - top) / 2), (top + floor) // 2
    start, end = (middle + far, middle - far) if direction == "down" else (middle - far, middle + far)
    return Swipe(wide // 2, start, wide // 2, end)


def gesture_of(
    place: int, text: int, state: State, situation: Situation, screen: Screen
) -> tuple[Gesture, Action, str]:
    """The gesture of a choice, the action that it is, and the label of the item that it is made on.

    Args:
        place: of the choice, for `FEW` items.
        text: place of the text, if it types.
        state: of the phone.
        situation: in which it is made.
        screen: of the situation.
    """
    decision = decision_of(place, FEW[0], situation, 1.0)
    item = None if decision.item is None else screen.items[decision.item]
    label = item.label if item is not None else ""
    if decision.kind == "type":
        typed, clear = candidates(situation)[text // 2], bool(text % 2)
        return Type(typed, clear), Action(kind="type", item=decision.item, text=typed, clear=clear), label
    if decision.kind == "open_app":
        name = decision.app.rsplit(".", 1)[-1]
        return Open(name), Action(kind="open_app", text=decision.app), ""
    if decision.kind == "press" and decision.key is not None:
        return Press(decision.key), Action(kind="press", key=decision.key), ""
    if decision.kind == "scroll":
        swipe = scroll(state, decision.direction or "down")
        return swipe, Action(kind="scroll", item=decision.item, direction=decision.direction), label
    assert item is not None
    if decision.kind == "long_press":
        return Swipe(*item.middle, *item.middle, HOLD_S), Action(kind="long_press", item=item.number), label
    return Tap(*item.middle), Action(kind="tap", item=item.number), label


def outcome_of(before: State, after: State, ends: frozenset[State]) -> Outcome:
    """The class of a step: A if it leads to one of `ends`, C if nothing has happened, else B."""
    if settled(after) == settled(before):
        return "C"
    return "A" if settled(after) in ends else "B"


def may_spoil(before: State, gesture: Gesture, after: State) -> bool:
    """Whether a gesture may have changed what only a step of the task may: the way back may be long, or none."""
    if before.world != after.world:
        return True
    if not isinstance(gesture, Tap):
        return False
    event = touched(before, gesture)
    return event is not None and event.kind == "do"


def _boxes(state: State) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    for widget in view(state).widgets:
        part = widget.part
        yield f"{part.kind} {part.text} {part.detail} {part.on} {part.glyph} {widget.focused}", widget.seen

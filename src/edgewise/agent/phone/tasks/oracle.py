"""The oracle: from the exact state, all gestures that begin a shortest way to the next subgoal.

It searches breadth first among what may lie on the way: the subgoal's app, pages with its arguments, its deeds and texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from edgewise.agent.phone.core import Gesture, Open, Press, Swipe, Tap, Type, step, view
from edgewise.agent.phone.state import Event, State
from edgewise.agent.phone.tasks.task import Subgoal, Task
from edgewise.agent.phone.widgets import Widget
from edgewise.common.errors import EdgewiseError

FARTHEST = 14
"""Gestures after which a search is given up."""
SCROLL = 0.6
"""Share of the body that a swipe scrolls."""
HOLD_S = 1.0
"""Seconds of a long press."""
SMALLEST = 24
"""Pixels of a widget below which an oracle scrolls to it first."""


KEPT = 1024
"""States whose following ones are kept: the searches from two states of a way go through the same ones."""


class NoWay(EdgewiseError):
    """A subgoal cannot be reached."""


def gestures(state: State, subgoal: Subgoal) -> Iterator[Gesture]:
    """Gestures that may lie on the way to a subgoal."""
    if state.popup:
        yield from (Tap(*each.middle) for each in view(state).widgets if each.event is not None)
        return
    screen = view(state)
    for widget in screen.widgets:
        left, top, right, bottom = widget.seen
        if (
            right - left < SMALLEST
            or bottom - top < SMALLEST
            or (screen.keys and widget.middle[1] >= screen.keys[0].box[1])
        ):
            continue
        if widget.event is not None and _useful(widget.event, state, subgoal) and _on_top(state, widget):
            yield Tap(*widget.middle)
        if widget.hold is not None and _useful(widget.hold, state, subgoal) and _on_top(state, widget):
            yield Swipe(*widget.middle, *widget.middle, HOLD_S)
    if state.focus:
        yield from _typed(state, subgoal)
    yield from _scrolls(state)
    yield Press("back")
    if state.place.app != subgoal.app:
        yield Open(subgoal.app)
        yield Press("home")


def _on_top(state: State, widget: Widget) -> bool:
    return view(state).at(*widget.middle) == widget


def _useful(event: Event, state: State, subgoal: Subgoal) -> bool:
    if event.kind == "open":
        return event.name == subgoal.app
    if event.kind == "focus":
        return event.name in dict(subgoal.texts)
    if event.kind in ("back", "dismiss"):
        return True
    if state.place.app not in (subgoal.app, "contacts"):
        return False
    if event.kind == "go":
        return not event.argument or event.argument in subgoal.arguments
    return event.name in subgoal.deeds or f"{event.name} {event.argument}" in subgoal.deeds


def _typed(state: State, subgoal: Subgoal) -> Iterator[Gesture]:
    wanted, now = dict(subgoal.texts).get(state.focus), state.draft(state.focus)
    if wanted is not None and now != wanted:
        yield Type(wanted[len(now) :]) if wanted.startswith(now) else Type(wanted, clear=True)


def _scrolls(state: State) -> Iterator[Gesture]:
    screen = view(state)
    if not screen.far:
        return
    _, top, wide, floor = screen.body
    far = round(SCROLL * (floor - top) / 2)
    middle = (top + floor) // 2
    if state.place.scroll < screen.far:
        yield Swipe(wide // 2, middle + far, wide // 2, middle - far)
    if state.place.scroll > 0:
        yield Swipe(wide // 2, middle - far, wide // 2, middle + far)


def _plain(state: State) -> State:
    """The state without what does not matter to the way: which apps were used."""
    return replace(state, recents=())


def best(task: Task, done: int, state: State) -> frozenset[Gesture]:
    """All gestures that begin a shortest way to the next subgoal; none once all are reached.

    Args:
        task: the task.
        done: subgoals that were reached.
        state: of now.

    Raises:
        NoWay: if the next subgoal cannot be reached.
    """
    if done == len(task.subgoals):
        return frozenset()
    subgoal = task.subgoals[done]
    level: dict[State, frozenset[Gesture]] = {}
    seen = {_plain(state)}
    for gesture in gestures(state, subgoal):
        _join(level, _plain(step(state, gesture)), frozenset([gesture]), seen)
    for _ in range(FARTHEST):
        reached = [first for each, first in level.items() if subgoal.holds(each)]
        if reached:
            return frozenset().union(*reached)
        seen |= set(level)
        following: dict[State, frozenset[Gesture]] = {}
        for each, first in level.items():
            for then in _following(each, subgoal):
                _join(following, then, first, seen)
        level = following
    raise NoWay(f"{task.name}: no way to: {subgoal.told}")


@lru_cache(maxsize=KEPT)
def _following(state: State, subgoal: Subgoal) -> tuple[State, ...]:
    """The states to which gestures lead that may lie on the way to a subgoal, in their order."""
    return tuple(_plain(step(state, gesture)) for gesture in gestures(state, subgoal))


def _join(level: dict[State, frozenset[Gesture]], state: State, first: frozenset[Gesture], seen: set[State]) -> None:
    if state not in seen:
        level[state] = level.get(state, frozenset()) | first


def shortens(task: Task, done: int, state: State, gesture: Gesture) -> bool:
    """Whether a gesture is as good as one of the oracle's: it leads where one of those leads."""
    after = _plain(step(state, gesture))
    return any(_plain(step(state, each)) == after for each in best(task, done, state))


def solve(task: Task, most: int = 60) -> list[tuple[State, Gesture, int]]:
    """A way through a task: states, the gesture made in each, and how many subgoals were reached before it.

    Raises:
        NoWay: if there is none, or none of at most `most` gestures.
    """
    state = task.start
    done = task.progress(0, state)
    way: list[tuple[State, Gesture, int]] = []
    while done < len(task.subgoals):
        if len(way) >= most:
            raise NoWay(f"{task.name}: not done after {most} gestures")
        gesture = min(best(task, done, state), key=repr)
        way.append((state, gesture, done))
        state = step(state, gesture)
        done = task.progress(done, state)
    return way

"""Exact knowledge of a task on a simulated phone: how far it is, which gestures shorten the way, how an action went."""

from __future__ import annotations

from dataclasses import replace

from edgewise.agent.modules.interfaces import Outcome
from edgewise.agent.phone.core import Gesture, step
from edgewise.agent.phone.session import Session
from edgewise.agent.phone.state import Place, State
from edgewise.agent.phone.tasks.oracle import NoWay, best
from edgewise.agent.phone.tasks.task import Task

KEPT = 512
"""States of which the best gestures are remembered."""


def same_way(before: State, after: State, wanted: State) -> bool:
    """Whether two states that follow `before` are as good as each other.

    They are if they are equal, however far they are scrolled in the same direction, whichever apps were used last, and whether
    or not a fault has turned the display or laid a window over it.
    """
    return _compared(before, after) == _compared(before, wanted)


def _compared(before: State, after: State) -> State:
    stack = after.stack
    if len(stack) == len(before.stack) and replace(stack[-1], scroll=0) == replace(before.place, scroll=0):
        moved = stack[-1].scroll - before.place.scroll
        place: Place = replace(stack[-1], scroll=(moved > 0) - (moved < 0))
        stack = (*stack[:-1], place)
    popup = after.popup if before.popup else ""
    return replace(after, stack=stack, recents=(), turned=before.turned, popup=popup)


class Truth:
    """A simulated phone that is in use, and its task.

    Args:
        session: the phone.
        task: what is to be done on it.
    """

    def __init__(self, session: Session, task: Task) -> None:
        self.session, self.task = session, task
        self.done = task.progress(0, session.state)
        self._best: dict[tuple[int, State], frozenset[Gesture]] = {}
        session.listeners.append(self._moved)

    def _moved(self) -> None:
        self.done = self.task.progress(self.done, self.session.state)

    @property
    def all_done(self) -> bool:
        """Whether every subgoal was reached."""
        return self.done == len(self.task.subgoals)

    @property
    def succeeded(self) -> bool:
        """Whether every subgoal was reached and nothing else was changed."""
        return self.task.succeeded(self.done, self.session.state)

    def best(self, done: int, state: State) -> frozenset[Gesture]:
        """All gestures that begin a shortest way; none once all is reached, or if there is no way any more."""
        key = (done, state)
        if key not in self._best:
            if len(self._best) >= KEPT:
                self._best.clear()
            try:
                self._best[key] = best(self.task, done, state)
            except NoWay:
                self._best[key] = frozenset()
        return self._best[key]

    def shortened(self, done: int, before: State, after: State, gestures: int = 1) -> bool:
        """Whether a way from one state to another is as good as the oracle's.

        Args:
            done: subgoals that were reached before.
            before, after: the states.
            gestures: of which the way may consist: text that is sent off with "enter" takes two.
        """
        if gestures == 0:
            return False
        for gesture in self.best(done, before):
            then = step(before, gesture)
            if same_way(before, after, then):
                return True
            if gestures > 1 and self.shortened(self.task.progress(done, then), then, after, gestures - 1):
                return True
        return False

    def outcome(self, done: int, before: State, after: State, gestures: int = 1) -> Outcome:
        """C if nothing was changed, A if the way was shortened, else B."""
        if same_way(before, before, after):
            return "C"
        return "A" if self.shortened(done, before, after, gestures) else "B"

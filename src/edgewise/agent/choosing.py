"""What is done next: the decision module's choice, what it says when it is told what was wrong, or another way.

Nothing is done twice in the same place. A decision that fails (no answer of use, an item that is not there, what was done here
before) is told to the module and asked for again, if it can think again; each time counts for the budgets.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgewise.agent.actions import Action
from edgewise.agent.asking import Asking
from edgewise.agent.conduct import Over
from edgewise.agent.guards import other_ways
from edgewise.agent.hands import NoSuchItem, points_of
from edgewise.agent.modules.interfaces import Decision, Intent, Situation

AGAIN = 2
"""Times in one step that a decision module is told what was wrong, and asked again."""
BACK = Decision(kind="press", key="back", confidence=0.0)
"""What is done where a module that cannot think again gives no decision."""
HOME = Decision(kind="press", key="home", confidence=0.0)
Key = tuple[str, str, int]
"""Digest of the picture, the action, finished subgoals."""


class Choosing:
    """Chooses actions, and remembers what was done where.

    Args:
        asking: asks the modules.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._done: set[Key] = set()

    @staticmethod
    def key(situation: Situation, action: Action) -> Key:
        """What tells whether an action was done in the same place before."""
        return situation.screen.picture, action.model_dump_json(), situation.finished

    def did(self, key: Key) -> None:
        """Remember that something was done."""
        self._done.add(key)

    def undid(self, key: Key) -> None:
        """Forget it: what was disturbed may be done again."""
        self._done.discard(key)

    def from_home(self, situation: Situation) -> tuple[Decision, Action] | None:
        """The way to the home page, to begin anew; None if it was gone from here."""
        home = Action(kind="press", key="home")
        if self.key(situation, home) in self._done:
            return None
        self._asking.notes.append("begins from the home page")
        return HOME, home

    def choose(self, situation: Situation) -> tuple[Decision, Action]:
        """The modules' action, or another where it cannot be done or was done in this place already.

        Raises:
            Over: if everything was tried here, a budget is used up, or too many answers were of no use.
        """
        wrong: list[str] = []
        decision = BACK
        for decision in self._decisions(situation, wrong):
            action = self._completed(situation, decision)
            if action is None:
                wrong.append(self._asking.notes[-1])
                self._asking.notes.append(f"cannot be done: {decision.kind}")
                continue
            if decision is not BACK:
                self._asking.note_whole()
            if self.key(situation, action) not in self._done:
                return decision, action
            wrong.append(f"{_told(decision)} was done on this same page already")
            self._asking.notes.append(f"was done here already: {decision.kind}")
        for action in other_ways(situation.screen):
            if self.key(situation, action) not in self._done:
                self._asking.notes.append("another way")
                return decision, action
        raise Over("stuck", "everything was tried here")

    def _decisions(self, situation: Situation, wrong: list[str]) -> Iterator[Decision]:
        """Decisions, the best first; `wrong` says what was wrong with those so far."""
        thinks = self._asking.thinks_again
        first = self._asking.ask("decision", situation, None)
        if first is not None:
            yield first
            yield from self._asking.next_best(situation, first)
        elif not thinks:
            yield BACK
        else:
            wrong.append(self._asking.notes[-1])
        for _ in range(AGAIN if thinks else 0):
            self._asking.notes.append("asks for another decision")
            decision = self._asking.again(situation, tuple(wrong))
            if decision is None:
                wrong.append(self._asking.notes[-1])
            else:
                yield decision

    def _completed(self, situation: Situation, decision: Decision) -> Action | None:
        """The whole action; None if it cannot be done on this screen, which the last note says."""
        action = self._asking.ask("action", Intent(situation=situation, decision=decision), None)
        if action is None:
            return None
        try:
            points_of(situation.screen, action)
        except NoSuchItem as error:
            self._asking.note_invalid("action", error)
            return None
        return action


def _told(decision: Decision) -> str:
    """A decision in a few words."""
    more = (decision.item, decision.key, decision.direction, decision.app)
    return " ".join([decision.kind, *(str(each) for each in more if each not in (None, ""))])

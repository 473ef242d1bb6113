"""What an agent may do: what cannot be undone is asked first, and so is what changes something that no instruction names.

Modules may have been taken in by a text of the display. So it is held against the user's instruction what an action changes, to
whom or what, and what was typed for it: words are compared, and whatever cannot be told counts as not named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edgewise.agent.actions import Action
from edgewise.agent.conduct import Over
from edgewise.agent.guards import sensitive, touched, turns
from edgewise.agent.modules.interfaces import Decision, Fact, Situation
from edgewise.agent.modules.rules.meanings import means
from edgewise.agent.named import asks_for, holds, names
from edgewise.agent.screen import Screen

Allow = Callable[[str], bool]
"""Is told what is about to be done, in words; whether it may be."""
BUTTONS = {"save": "saving", "start": "starting", "stop": "stopping", "take": "taking"}
"""Meanings of buttons that change something which can be undone."""
WRITES = ("sending", "ordering", "saving")
"""For which text is typed."""
ON_THE_WAY = {"ordering": 6, "starting": 3, "stopping": 3}
"""Latest steps that may have named what it is done to, where that takes several pages."""


def anything(told: str) -> bool:
    """Allows everything."""
    return True


def changing(action: Action, screen: Screen, decision: Decision) -> str:
    """What an action changes; empty if nothing is known that it does."""
    what = sensitive(action, screen, decision)
    if what:
        return what
    item = touched(action, screen)
    if item is None:
        return ""
    if turns(action, screen) and action.kind != "long_press":  # which opens a menu
        return "turning"
    pressed = item.role in ("button", "icon", "tile", "other")
    return next((what for meaning, what in BUTTONS.items() if pressed and means(item, meaning) > 1), "")


class Permission:
    """What is allowed in a run.

    Args:
        allow: is asked. If None, what the instruction names is allowed, and nothing else is.
        sure: least confidence of a decision to turn a switch, or to do what cannot be undone.
    """

    def __init__(self, allow: Allow | None, sure: float) -> None:
        self._allow, self._sure = allow, sure
        self._typed: list[str] = []

    def ask(self, action: Action, situation: Situation, decision: Decision) -> str:
        """Whether an action may be done, as a note; empty where nothing has to be asked.

        Raises:
            Over: if it may not.
        """
        if action.kind == "type":
            self._typed.append(action.text)
        screen = situation.screen
        change, grave = changing(action, screen, decision), sensitive(action, screen, decision)
        item = touched(action, screen)
        label = action.text if item is None else item.label
        if (grave or turns(action, screen)) and decision.confidence < self._sure:
            raise Over("unsure", f'{grave or "turning"} "{label}", confidence {decision.confidence:.2f}')
        if not change:
            return ""
        strange = self._strange(change, action, situation)
        if change in WRITES:
            self._typed.clear()
        if not grave and not strange:
            return ""
        told = (f'{change} "{label}"' if label else change) + (f", though {strange}" if strange else "")
        allowed = not strange if self._allow is None else self._allow(told)
        if not allowed:
            raise Over("refused", told)
        return f"{told}: allowed"

    def _strange(self, change: str, action: Action, situation: Situation) -> str:
        """Why the instruction does not name a change; empty if it does."""
        instruction = situation.instruction
        if not asks_for(instruction, change):
            return "the instruction does not ask for it"
        if change != "saving":
            about = [each for each in _about(change, action, situation) if each]
            if not any(names(instruction, each) for each in about):
                return f"the instruction does not name {_quoted(about)}"
        if change in WRITES:
            for text in self._typed:
                if not holds(instruction, text) and not any(_told(each, text, instruction) for each in situation.facts):
                    return f'"{text}" stands neither in the instruction nor on a page that it names'
        return ""


def _quoted(about: list[str]) -> str:
    return f'"{about[0]}"' if about else "what it is done to"


def _told(fact: Fact, text: str, instruction: str) -> bool:
    """Whether a text is part of a fact that the user told, or that was read on a page which the instruction names."""
    return holds(fact.text, text) and (fact.source == "user" or names(instruction, fact.source))


def _about(change: str, action: Action, situation: Situation) -> Iterator[str]:
    """Texts that say what it is done to, the nearest first: the page, what is touched, and steps on the way."""
    screen, item = situation.screen, touched(action, situation.screen)
    yield screen.title
    if change in ("turning", "deleting") and item is not None:
        yield from (item.text, item.description, item.resource)
    if not screen.title and situation.past:  # a question that lies over the page
        yield from (situation.past[-1].target, situation.past[-1].page)
    for each in reversed(situation.past[-ON_THE_WAY.get(change, 0) :] if change in ON_THE_WAY else ()):
        yield from (each.target, each.page)

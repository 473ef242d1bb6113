"""Memory by a language model: which text of a screen has to be known on a later page."""

from __future__ import annotations

from edgewise.agent.model.ladder import Question
from edgewise.agent.modules.interfaces import FACTS, Fact, Kept, Situation
from edgewise.agent.modules.vlm.desk import Asking, Desk
from edgewise.agent.modules.vlm.prompts import MEMORY
from edgewise.agent.modules.vlm.telling import lines, told
from edgewise.agent.screen import Screen


class VlmMemory(Asking):
    """Asks once for a screen and an instruction."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._asked: set[tuple[str, str]] = set()

    def __call__(self, situation: Situation, /) -> Kept:
        """What is worth keeping: nothing that does not stand on the screen."""
        key = situation.instruction, situation.screen.picture or situation.screen.model_dump_json()
        if key in self._asked or len(situation.facts) == FACTS:
            return Kept()
        self._asked.add(key)
        screen = situation.screen

        def check(kept: Kept) -> str:
            return "" if kept.fact is None or not kept.fact.text or stands(kept.fact.text, screen) else ABSENT

        text, shown = lines(situation.instruction, told(situation)), self.desk.shown(screen)
        found = self.ask(Question("remember", Kept, ("fact", "item"), MEMORY, text, shown, check))
        if found.fact is None or not found.fact.text or any(each.text == found.fact.text for each in situation.facts):
            return Kept()
        item = found.item if found.item is not None and found.item < len(screen.items) else None
        return Kept(fact=Fact(text=found.fact.text, source=screen.title), item=item)


ABSENT = "fact: its text does not stand on the screen"


def stands(text: str, screen: Screen) -> bool:
    """Whether a text stands on a screen."""
    wanted = " ".join(text.split())
    shown = (each for item in screen.items for each in (item.text, item.detail, item.description))
    return any(wanted in " ".join(each.split()) for each in shown)

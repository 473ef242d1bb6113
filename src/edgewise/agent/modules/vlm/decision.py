"""Decision by a language model: what to do next, and to which of the numbered items; a point becomes the item under it."""

from __future__ import annotations

from edgewise.agent.actions import Kind
from edgewise.agent.model.chat import Picture
from edgewise.agent.model.images import item_at
from edgewise.agent.model.ladder import Question
from edgewise.agent.modules.interfaces import Decision, Situation
from edgewise.agent.modules.vlm.desk import Asking
from edgewise.agent.modules.vlm.prompts import DECISION, INSTEAD
from edgewise.agent.modules.vlm.telling import lines, told
from edgewise.agent.screen import Item, Screen

TOUCHES: tuple[Kind, ...] = ("tap", "double_tap", "long_press")
FIELDS = ("kind", "item", "point", "direction", "key", "app", "sensitive", "why")


class Pointed(Decision):
    """A decision as a model gives it.

    Attributes:
        point: on the picture, in the model's space, where no number says what is meant.
    """

    point: tuple[float, float] | None = None


class VlmDecision(Asking):
    """Asks for the next step."""

    def __call__(self, situation: Situation, /) -> Decision:
        """What to do next."""
        return self._decide(situation, ())

    def again(self, situation: Situation, wrong: tuple[str, ...], /) -> Decision:
        """What to do instead of what was wrong."""
        return self._decide(situation, wrong)

    def _decide(self, situation: Situation, wrong: tuple[str, ...]) -> Decision:
        screen = situation.screen
        marked = tuple(each for each in screen.items if usable(each))
        pictures = self.desk.shown(screen, marked)

        def check(decision: Pointed) -> str:
            return self._wrong(decision, situation, pictures)

        plan = self.desk.plans.get(situation.instruction)
        data = {**({"next": plan.next} if plan and plan.next else {}), **told(situation)}
        if wrong:
            data["refused"] = list(wrong)
        system = DECISION + (INSTEAD if wrong else "") + self._space(pictures)
        text = lines(situation.instruction, data)
        found = self.ask(Question("decide", Pointed, FIELDS, system, text, pictures, check))
        item = self._item(found, screen, pictures)
        return Decision(**{**found.model_dump(exclude={"point"}), "item": item})

    def _space(self, pictures: tuple[Picture, ...]) -> str:
        """How a point is to be given, where that is known."""
        declared = self.desk.asker.model.traits.space
        if not pictures or declared is None:
            return ""
        wide, high = pictures[0].size
        return {
            "image": f"\nPoints are pixels of the picture, which is {wide} wide and {high} high.",
            "relative": "\nPoints go from 0 to 1000 over the picture.",
            "unit": "\nPoints go from 0 to 1 over the picture.",
        }[declared]

    def _item(self, decision: Pointed, screen: Screen, pictures: tuple[Picture, ...]) -> int | None:
        if decision.item is not None or decision.point is None or not pictures:
            return decision.item
        at = self.desk.pixel(decision.point, pictures[0], self.asker)
        under = None if at is None else item_at(*at, screen.items)
        return None if under is None else under.number

    def _wrong(self, decision: Pointed, situation: Situation, pictures: tuple[Picture, ...]) -> str:
        """What is wrong with a decision in its situation; empty if nothing."""
        screen, kind = situation.screen, decision.kind
        if decision.item is not None and decision.item >= len(screen.items):
            return f"item: there are {len(screen.items)} items, numbered from 0"
        if kind in TOUCHES and self._item(decision, screen, pictures) is None:
            return "point: there is no item at it" if decision.point else f"{kind} needs item"
        if kind == "scroll" and decision.direction is None:
            return "scroll needs direction"
        if kind == "press" and decision.key is None:
            return "press needs key"
        if kind == "open_app" and (not decision.app or (situation.apps and decision.app not in situation.apps)):
            return "open_app needs app, one of " + ", ".join(situation.apps)
        if kind == "type" and not (screen.keyboard or any(each.focused for each in screen.items)):
            return "type: no field has the focus, tap it first"
        return ""


def usable(item: Item) -> bool:
    """Whether something can be done to an item."""
    return item.touchable or item.holdable or item.scrollable

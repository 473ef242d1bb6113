"""Action by a language model: the text that is typed or said, where a swipe goes, how a task ended; the rest needs no model."""

from __future__ import annotations

from edgewise.agent.actions import Action, Kind
from edgewise.agent.model.ladder import Question
from edgewise.agent.modules.interfaces import Decision, Intent
from edgewise.agent.modules.vlm.desk import Asking
from edgewise.agent.modules.vlm.prompts import ENDING, SAYING, SWIPING, TYPING
from edgewise.agent.modules.vlm.telling import lines, told

ASKED: dict[Kind, tuple[str, str, tuple[str, ...]]] = {
    "type": ("write", TYPING, ("text", "clear", "submit")),
    "answer": ("say", SAYING, ("text",)),
    "ask_user": ("say", SAYING, ("text",)),
    "swipe": ("swipe", SWIPING, ("start", "end")),
    "finish": ("end", ENDING, ("outcome",)),
}
"""Name, prompt and fields of the question, by kind of action."""


class VlmAction(Asking):
    """Asks for what a decision leaves open."""

    def __call__(self, intent: Intent, /) -> Action:
        """The whole action."""
        situation, decision = intent.situation, intent.decision
        if decision.kind not in ASKED:
            return plain_action(decision)
        plan = self.desk.plans.get(situation.instruction)
        if decision.kind == "finish" and plan is not None and plan.done:
            return Action(kind="finish", outcome="success")
        name, system, fields = ASKED[decision.kind]
        text = lines(situation.instruction, {"decision": _said(decision), **told(situation)})
        given = {"kind": decision.kind}
        shown = self.desk.shown(situation.screen)
        return self.ask(Question(name, Action, fields, system, text, shown, _wrong, given))


def plain_action(decision: Decision) -> Action:
    """The action of a decision that says all of it."""
    text = decision.app if decision.kind == "open_app" else ""
    return Action(kind=decision.kind, item=decision.item, direction=decision.direction, key=decision.key, text=text)


def _said(decision: Decision) -> dict[str, object]:
    plain: dict[str, object] = decision.model_dump(mode="json", exclude_defaults=True, exclude={"confidence"})
    return plain


def _wrong(action: Action) -> str:
    return "text: there is none" if action.kind == "type" and not action.text and not action.clear else ""

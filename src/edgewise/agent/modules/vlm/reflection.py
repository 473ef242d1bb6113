"""Reflection by a language model: how an action went, from the display before and after it."""

from __future__ import annotations

from edgewise.agent.model.ladder import Question
from edgewise.agent.modules.interfaces import Change, Reflected
from edgewise.agent.modules.vlm.desk import Asking
from edgewise.agent.modules.vlm.prompts import REFLECTION
from edgewise.agent.modules.vlm.telling import lines, told, told_screen


class VlmReflection(Asking):
    """Asks how the last action went, unless the picture is the same: then nothing has happened."""

    def __call__(self, change: Change, /) -> Reflected:
        """How it went."""
        before, after = change.before, change.after
        if change.changed == 0 and before.screen.picture == after.picture:
            return Reflected(outcome="C")
        situation = told(before)
        data = {
            "action": change.action.model_dump(mode="json", exclude_defaults=True),
            "changed": round(change.changed, 4),
            "before": situation.pop("screen"),
            "after": told_screen(after),
            **situation,
        }
        pictures = (*self.desk.shown(before.screen), *self.desk.shown(after))
        text = lines(before.instruction, data)
        return self.ask(Question("reflect", Reflected, ("outcome",), REFLECTION, text, pictures))

"""Planning by a language model: subgoals once, then how many of them are finished."""

from __future__ import annotations

from edgewise.agent.model.ladder import Question
from edgewise.agent.modules.interfaces import Plan, Situation
from edgewise.agent.modules.vlm.desk import Asking
from edgewise.agent.modules.vlm.prompts import GOING_ON, PLANNING
from edgewise.agent.modules.vlm.telling import lines, told

LATER = ("finished", "done", "next")
NEW = ("subgoals", *LATER)
FAILED = 2
"""Steps in a row that did not go as expected, after which new subgoals are asked for."""


class VlmPlanning(Asking):
    """Asks for subgoals when an instruction is new or steps have failed, and for progress otherwise."""

    def __call__(self, situation: Situation, /) -> Plan:
        """How far the task is."""
        old = self.desk.plans.get(situation.instruction)
        latest = [each.outcome for each in situation.past[-FAILED:]]
        if not situation.past or (len(latest) == FAILED and "A" not in latest):
            old = None
        plan = self._new(situation) if old is None else self._going_on(situation, old)
        self.desk.plans[situation.instruction] = plan
        return plan

    def _new(self, situation: Situation) -> Plan:
        def check(plan: Plan) -> str:
            return _wrong(plan, len(plan.subgoals), situation.finished) if plan.subgoals else "there are no subgoals"

        text, shown = lines(situation.instruction, told(situation)), self.desk.shown(situation.screen)
        return self.ask(Question("plan", Plan, NEW, PLANNING, text, shown, check))

    def _going_on(self, situation: Situation, old: Plan) -> Plan:
        def check(plan: Plan) -> str:
            return _wrong(plan, len(old.subgoals), situation.finished)

        text = lines(situation.instruction, {"subgoals": old.subgoals, **told(situation)})
        shown = self.desk.shown(situation.screen)
        plan = self.ask(Question("progress", Plan, LATER, GOING_ON, text, shown, check))
        return plan.model_copy(update={"subgoals": old.subgoals})


def _wrong(plan: Plan, subgoals: int, before: int) -> str:
    """What is wrong with a plan; empty if nothing."""
    if plan.finished > subgoals:
        return f"finished: there are {subgoals} subgoals"
    if plan.finished < min(before, subgoals):
        return f"finished: {before} were finished before"
    if plan.done and plan.finished < subgoals:
        return "done: not all subgoals are finished"
    return ""

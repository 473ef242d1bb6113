"""The six modules of plain rules: untrained, the same for every phone, a baseline."""

from __future__ import annotations

from edgewise.agent.actions import Action
from edgewise.agent.agents import Setting
from edgewise.agent.modules.interfaces import (
    Change,
    Decision,
    Fact,
    Intent,
    Kept,
    Modules,
    Past,
    Plan,
    Reflected,
    Situation,
)
from edgewise.agent.modules.rules.forms import found_field, resolved
from edgewise.agent.modules.rules.goals import Goal
from edgewise.agent.modules.rules.instruction import goals_of
from edgewise.agent.modules.rules.meanings import likeness, means, title_of
from edgewise.agent.modules.rules.progress import progress, reached
from edgewise.agent.modules.rules.way import advance, is_app, words_of
from edgewise.agent.perception.plain import PlainPerception
from edgewise.agent.screen import Item

SEEN = 0.002
"""Share of the picture below which nothing has changed if all items are as they were."""
TELLING = ("row", "text", "heading", "other")
"""Roles of items that tell something."""
FIELDS = {"kind", "item", "direction", "key"}
"""What a decision and an action have in common."""


def _goal(situation: Situation) -> Goal | None:
    goals = goals_of(situation.instruction)
    return goals[situation.finished] if situation.finished < len(goals) else None


def remember(situation: Situation, /) -> Kept:
    """Keep what the next goal looks for, once its page is shown."""
    goal, screen = _goal(situation), situation.screen
    if goal is None or goal.verb != "look" or not any(is_app(app, screen.app) for app in goal.apps):
        return Kept()
    title = title_of(screen)
    if likeness(title, goal.name) == 0:
        return Kept()
    told = [each for each in screen.items if each.role in TELLING and each.text and each.text != title]
    item = _telling(told, goal.meaning)
    return Kept() if item is None else Kept(fact=Fact(text=item.text, source=title), item=item.number)


def _telling(items: list[Item], meaning: str) -> Item | None:
    sure = max(items, key=lambda each: means(each, meaning), default=None)
    if sure is not None and means(sure, meaning):
        return sure
    return max(items, key=lambda each: len(each.text), default=None) if meaning == "text" else None


def plan(situation: Situation, /) -> Plan:
    """How many goals are reached."""
    goals = goals_of(situation.instruction)
    done = progress(goals, situation)
    told = tuple(words_of(each)[:200] for each in goals)
    following = told[done] if done < len(goals) else ""
    return Plan(finished=done, done=bool(goals) and done == len(goals), subgoals=told, next=following)


def decide(situation: Situation, /) -> Decision:
    """What comes next towards the next goal; an instruction that is not understood is not feasible."""
    goal = _goal(situation)
    return Decision(kind="finish") if goal is None else advance(goal, situation)[1]


def act(intent: Intent, /) -> Action:
    """The whole action; what is typed is the value of the field that has the focus."""
    decision, situation = intent.decision, intent.situation
    text, clear = decision.app, False
    if decision.kind == "type":
        goal, screen = _goal(situation), situation.screen
        for field in () if goal is None else goal.fields:
            wanted = resolved(field.value, situation.facts)
            found = found_field(screen, field, wanted)
            if found is not None and found.item.number == decision.item:
                text, clear = wanted, bool(found.now)
    outcome = None
    if decision.kind == "finish":
        goals = goals_of(situation.instruction)
        outcome = "success" if goals and situation.finished >= len(goals) else "infeasible"
    return Action.model_validate(
        {
            "kind": decision.kind,
            "item": None if decision.kind == "type" else decision.item,
            "text": text,
            "direction": decision.direction,
            "key": decision.key,
            "clear": clear,
            "outcome": outcome,
        }
    )


def reflect(change: Change, /) -> Reflected:
    """A if the screen is nearer to the goal than before, C if it says the same, else B."""
    before, after = change.before, change.after
    if change.changed < SEEN and before.screen.items == after.items and before.screen.keyboard == after.keyboard:
        return Reflected(outcome="C")
    goal = _goal(before)
    if goal is None:
        return Reflected(outcome="A", confidence=0.5)
    item = change.action.item
    target = before.screen.items[item].label if item is not None and item < len(before.screen.items) else ""
    past = Past(action=change.action, target=target, page=before.screen.title, finished=before.finished)
    then = before.model_copy(update={"screen": after, "past": (*before.past, past)})
    near, wanted = advance(goal, before)
    if reached(goal, then):
        return Reflected(outcome="A")
    nearer, _ = advance(goal, then)
    meant = wanted.model_dump(include=FIELDS) == change.action.model_dump(include=FIELDS) or (
        wanted.kind == "type" and change.action.kind == "type"
    )
    if meant and wanted.app == (change.action.text if wanted.kind == "open_app" else ""):
        return Reflected(outcome="A" if nearer >= near else "B", confidence=0.8)
    return Reflected(outcome="A" if nearer > near else "B", confidence=0.6)


def rules(setting: Setting) -> Modules:
    """Modules of plain rules."""
    names = {"perception": "tree"} | dict.fromkeys(("memory", "planning", "decision", "action", "reflection"), "rules")
    return Modules(PlainPerception(), remember, plan, decide, act, reflect, names)

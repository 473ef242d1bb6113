"""Plain rules for web pages: untrained, the same for every page, a baseline for modules that have learned.

What is quoted is touched where it stands, else typed into the fields, one after the other; what the instruction names is touched
once; then the form is sent off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgewise.agent.actions import Action
from edgewise.agent.agents import Setting
from edgewise.agent.miniwob.page import page_modules
from edgewise.agent.modules.interfaces import Decision, Intent, Modules, Situation
from edgewise.agent.perception.plain import PlainPerception
from edgewise.agent.screen import Item

QUOTED = re.compile(r'"([^"]*)"')
SEND = ("submit", "search", "login", "ok", "next")
"""Buttons that send a form off."""


def _done(situation: Situation) -> set[tuple[str, str]]:
    return {(each.action.kind, each.action.text or each.target) for each in situation.past}


def _fields(situation: Situation) -> list[Item]:
    return [each for each in situation.screen.items if each.role == "field" and each.touchable]


def _texts(situation: Situation) -> Iterator[tuple[Item, str]]:
    """Fields that are empty, and what belongs into them."""
    fields, quotes = _fields(situation), QUOTED.findall(situation.instruction)
    for place, field in enumerate(fields):
        if quotes and not field.text:
            yield field, quotes[min(place, len(quotes) - 1)]


def _named(situation: Situation) -> Iterator[Item]:
    """What the instruction names and can be touched: what it quotes, then the longest names first."""
    instruction = situation.instruction.casefold()
    words = set(re.findall(r"[^\s,]+", instruction.replace('"', " "))) | {
        each.strip(".") for each in instruction.split()
    }
    quotes = [each.casefold() for each in QUOTED.findall(situation.instruction)]
    items = [each for each in situation.screen.items if each.touchable and each.role != "field" and not each.checked]
    names = [
        (each, {each.text.casefold(), each.description.casefold(), each.resource.casefold()} - {""}) for each in items
    ]
    yield from (each for each, called in names if called & set(quotes))
    told = [(max(map(len, called & words)), each) for each, called in names if called & words]
    yield from (each for _, each in sorted(told, key=lambda pair: -pair[0]) if each.text.casefold() not in SEND)


def decide(situation: Situation, /) -> Decision:
    """What the instruction names, what it quotes, then to send it off."""
    done = _done(situation)
    for field, _ in _texts(situation):
        if field.focused:
            return Decision(kind="type", item=field.number)
    for item in _named(situation):
        if ("tap", item.label) not in done:
            return Decision(kind="tap", item=item.number)
    for field, _ in _texts(situation):
        return Decision(kind="tap", item=field.number)
    buttons = [each for each in situation.screen.items if each.role == "button" and each.touchable]
    for item in [each for each in buttons if each.text.casefold() in SEND] or buttons:
        return Decision(kind="tap", item=item.number)
    others = [each for each in situation.screen.items if each.touchable and ("tap", each.label) not in done]
    return Decision(kind="tap", item=others[0].number) if others else Decision(kind="scroll", direction="down")


def act(intent: Intent, /) -> Action:
    """The whole action; what is typed is what belongs into the field."""
    decision = intent.decision
    texts = {field.number: text for field, text in _texts(intent.situation)}
    text = texts.get(decision.item, "") if decision.item is not None and decision.kind == "type" else ""
    return Action(kind=decision.kind, item=decision.item, direction=decision.direction, key=decision.key, text=text)


def rules(setting: Setting) -> Modules:
    """Modules of plain rules."""
    return page_modules(PlainPerception(), decide, act, {"perception": "tree", "decision": "rules", "action": "rules"})

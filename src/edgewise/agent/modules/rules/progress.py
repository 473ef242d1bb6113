"""Whether goals are reached: from what the screen shows, and where it shows nothing, from the last action."""

from __future__ import annotations

from edgewise.agent.modules.interfaces import Past, Situation
from edgewise.agent.modules.rules.forms import found_field, is_set, resolved
from edgewise.agent.modules.rules.goals import Goal
from edgewise.agent.modules.rules.meanings import find, find_switch, likeness, means, named, phrases, title_of, titled
from edgewise.agent.modules.rules.way import confirming, is_app
from edgewise.agent.wording import phrase


def progress(goals: tuple[Goal, ...], situation: Situation) -> int:
    """How many goals are reached, given how many were before."""
    done = min(situation.finished, len(goals))
    while done < len(goals) and reached(goals[done], situation):
        done += 1
    return done


def reached(goal: Goal, situation: Situation) -> bool:
    """Whether a goal is reached."""
    if goal.verb == "look":
        return any(likeness(each.source, goal.name) > 0 for each in situation.facts)
    if goal.apps and not any(is_app(app, situation.screen.app) for app in goal.apps):
        return False
    if goal.verb == "show":
        return _shown(goal, situation)
    if goal.verb == "turn":
        return _turned(goal, situation)
    if goal.verb == "fill":
        return _filled(goal, situation)
    last = situation.past[-1] if situation.past else None
    if last is None or last.outcome != "A" or last.action.kind != "tap":
        return False
    if goal.verb == "touch":
        return likeness(last.target, goal.name) > 0 or _touched(last, goal.name.lower())
    return _deleted(situation, last) if goal.verb == "delete" else _pressed(goal, situation, last)


def _shown(goal: Goal, situation: Situation) -> bool:
    title = title_of(situation.screen)
    if goal.name:
        return likeness(title, goal.name) > 0 and named(situation.screen, goal.name) is None
    return phrase(title) in phrases(goal.meaning)


def _turned(goal: Goal, situation: Situation) -> bool:
    screen = situation.screen
    if not goal.meaning:
        item = named(screen, goal.name)
    else:
        own = bool(goal.name) and titled(screen, goal.name)
        item = find_switch(screen, goal.meaning) if own or not goal.name else None
        item = item if item is None or own or means(item, goal.meaning) else None
    return item is not None and item.checked is not None and item.checked == goal.on


def _filled(goal: Goal, situation: Situation) -> bool:
    for field in goal.fields:
        wanted = resolved(field.value, situation.facts)
        found = found_field(situation.screen, field, wanted)
        if found is None or not is_set(found, field, wanted):
            return False
    return True


def _touched(last: Past, meaning: str) -> bool:
    return phrase(last.target) in phrases(meaning)


def _deleted(situation: Situation, last: Past) -> bool:
    if confirming(situation.screen) is not None or _touched(last, "cancel"):
        return False
    asked = len(situation.past) > 1 and situation.past[-2].page != "" and last.page == ""
    return asked or (_touched(last, "delete") and last.page == "")


def _pressed(goal: Goal, situation: Situation, last: Past) -> bool:
    """Whether the last touch was that of the goal: its form is gone, or its page has become another."""
    screen = situation.screen
    if goal.meaning == "send":
        value = resolved(goal.fields[0].value, situation.facts)
        field = found_field(screen, goal.fields[0])
        typed = len(situation.past) > 1 and situation.past[-2].action.kind == "type"
        gone = (field is None or field.now != value) and likeness(last.page, goal.name) > 0
        return gone and titled(screen, goal.name) and (typed or _touched(last, "send"))
    if goal.fields and not any(each.level for each in goal.fields):
        gone = not any(found_field(screen, each) for each in goal.fields)
        return gone and not _touched(last, "back") and _left(goal, situation, last)
    if goal.meaning in ("start", "save"):
        return find(screen, "stop") is not None if goal.meaning == "start" else _left(goal, situation, last)
    return likeness(last.page, goal.name) > 0 and not any(_touched(last, each) for each in (*goal.via, "back"))


def _left(goal: Goal, situation: Situation, last: Past) -> bool:
    """Whether the button of a form has closed it."""
    if find(situation.screen, goal.meaning) is not None and goal.meaning == "save":
        return False
    if _touched(last, goal.meaning):
        return find(situation.screen, goal.meaning) is None
    before = situation.past[-2] if len(situation.past) > 1 else None
    return before is not None and before.page == last.page and last.target not in ("", before.target)

"""Modules in places where a page needs none: nothing is kept in memory, and only the page says that it is done."""

from __future__ import annotations

from collections.abc import Mapping

from edgewise.agent.modules.interfaces import (
    Acts,
    Change,
    Decides,
    Kept,
    Modules,
    Perceives,
    Plan,
    Reflected,
    Situation,
)


def remember(situation: Situation, /) -> Kept:
    """Nothing."""
    return Kept()


def plan(situation: Situation, /) -> Plan:
    """Never that it is done."""
    return Plan(finished=situation.finished)


def reflect(change: Change, /) -> Reflected:
    """That it went as expected; where nothing has changed, nobody is asked."""
    return Reflected(outcome="A")


def page_modules(perception: Perceives, decision: Decides, action: Acts, names: Mapping[str, str]) -> Modules:
    """Modules with the plain ones in the other places; `names` says what the given ones are."""
    plain = dict.fromkeys(("memory", "planning", "reflection"), "page")
    return Modules(perception, remember, plan, decision, action, reflect, {**names, **plain})

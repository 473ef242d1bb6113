"""Moves between pages."""

from __future__ import annotations

from dataclasses import replace

from edgewise.agent.phone.state import LAUNCHER, Place, State

DEEPEST = 24
"""Pages that "back" can return through; older ones are forgotten."""


def go(state: State, page: str, argument: str = "") -> State:
    """To a page of the app that is shown; its fields are as if never typed into."""
    place = Place(state.place.app, page, argument)
    clean = state.without_drafts(f"{place.app}.{page}.")
    return replace(clean, stack=_kept((*state.stack, place)))


def back(state: State) -> State:
    """To the page before; where there is none, the launcher stays."""
    if len(state.stack) == 1:
        return replace(state, focus="")
    return replace(state, stack=state.stack[:-1], focus="")


def home(state: State) -> State:
    """To the launcher."""
    return replace(state, stack=(Place(LAUNCHER, "home"),), focus="")


def open_app(state: State, app: str, first: str) -> State:
    """To the first page of an app, from the launcher."""
    if app == LAUNCHER:
        return home(state)
    recents = (app, *(each for each in state.recents if each != app))
    clean = state.without_drafts(f"{app}.{first}.")
    return replace(clean, stack=(Place(LAUNCHER, "home"), Place(app, first)), recents=recents)


def scrolled(state: State, to: int) -> State:
    """The shown page, scrolled to a place."""
    return replace(state, stack=(*state.stack[:-1], replace(state.place, scroll=to)))


def _kept(stack: tuple[Place, ...]) -> tuple[Place, ...]:
    return stack if len(stack) <= DEEPEST else (stack[0], *stack[len(stack) - DEEPEST + 1 :])

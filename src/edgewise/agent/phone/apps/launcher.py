"""The launcher: an icon for each app, and the apps used last."""

from __future__ import annotations

import random

from edgewise.agent.phone.parts import App, Page, Part, nothing, word
from edgewise.agent.phone.state import Event, Place, State


def launcher(others: tuple[App, ...]) -> App:
    """The launcher of some apps."""

    def home(state: State, place: Place) -> Page:
        order = list(others)
        random.Random(state.skin.order).shuffle(order)
        tiles = tuple(_tile(state, each, "tile") for each in order)
        return Page("", tiles, back=False, grid=state.skin.columns)

    def recents(state: State, place: Place) -> Page:
        known = {each.name: each for each in others}
        rows = tuple(_tile(state, known[name], "row") for name in state.recents)
        return Page(word(state, "recents"), nothing(state, rows))

    return App("launcher", "home", {"home": home, "recents": recents})


def _tile(state: State, app: App, kind: str) -> Part:
    name = word(state, app.name)
    event = Event("open", app.name)
    if kind == "row":
        return Part("row", "app", name, glyph=app.glyph, event=event)
    return Part("tile", "app", name, glyph=app.glyph, description=name, event=event)

"""Settings: groups of switches and levels, and a page about the phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgewise.agent.phone.contents import LEVEL_STEP
from edgewise.agent.phone.parts import App, Page, Part, word
from edgewise.agent.phone.state import Event, Place, State

GROUPS = {
    "network": ("wifi", "bluetooth", "mobile", "aeroplane"),
    "display": ("dark", "brightness"),
    "sound": ("vibration", "volume"),
}
SIGNS = {"network": "wifi", "display": "sun", "sound": "bell", "about": "info"}
MODEL, VERSION = "Edgewise simulated phone", "14"
"""What the phone says of itself; 14 is the version of Android whose commands it answers."""


def _groups(state: State, place: Place) -> Page:
    rows = tuple(
        Part("row", name, word(state, name), glyph=sign, event=Event("go", name)) for name, sign in SIGNS.items()
    )
    return Page(word(state, "settings"), rows)


def _setting(state: State, name: str) -> Part:
    value = state.world.setting(name)
    if name in ("brightness", "volume"):
        return Part(
            "level",
            name,
            word(state, name),
            f"{value} %",
            event=Event("do", "raise", name),
            less=Event("do", "lower", name),
        )
    return Part("switch", name, word(state, name), event=Event("do", "turn", name), on=bool(value))


def _group(group: str) -> Callable[[State, Place], Page]:
    def page(state: State, place: Place) -> Page:
        return Page(word(state, group), tuple(_setting(state, name) for name in GROUPS[group]))

    return page


def _about(state: State, place: Place) -> Page:
    facts = (("model", MODEL), ("version", VERSION))
    rows = tuple(Part("row", name, value, word(state, name), "info") for name, value in facts)
    return Page(word(state, "about"), rows)


def _turn(state: State, name: str) -> State:
    return replace(state, world=state.world.with_setting(name, 1 - state.world.setting(name)))


def _by(amount: int) -> Callable[[State, str], State]:
    def changed(state: State, name: str) -> State:
        value = min(100, max(0, state.world.setting(name) + amount))
        return replace(state, world=state.world.with_setting(name, value))

    return changed


SETTINGS = App(
    "settings",
    "gear",
    {"groups": _groups, **{group: _group(group) for group in GROUPS}, "about": _about},
    {"turn": _turn, "raise": _by(LEVEL_STEP), "lower": _by(-LEVEL_STEP)},
)

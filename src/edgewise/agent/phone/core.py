"""The simulated phone as two functions: what a state shows, and which state a gesture leads to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from edgewise.agent.phone.apps.catalogue import APPS, find_app
from edgewise.agent.phone.contents import draw_minute, draw_world
from edgewise.agent.phone.layout import arranged, with_popup
from edgewise.agent.phone.moves import back, go, home, open_app, scrolled
from edgewise.agent.phone.skins import draw_skin
from edgewise.agent.phone.state import LAUNCHER, Event, Place, State
from edgewise.agent.phone.widgets import Screen, inside

Button = Literal["back", "home", "recents", "enter", "delete", "power"]
HOLD_S = 0.5
"""Seconds after which a touch is a long press."""
SLIP = 24
"""Pixels by which a finger may move while it touches."""
LONGEST_TEXT = 500
"""Characters that a field takes."""


@dataclass(frozen=True)
class Tap:
    """A touch at a pixel."""

    x: int
    y: int


@dataclass(frozen=True)
class Swipe:
    """A finger moved between two pixels; one that stays where it is touches, or presses long."""

    x: int
    y: int
    to_x: int
    to_y: int
    seconds: float = 0.3


@dataclass(frozen=True)
class Type:
    """Text put into the field that has the focus; with `clear`, instead of what stands there."""

    text: str
    clear: bool = False


@dataclass(frozen=True)
class Press:
    """A button of the phone or a key."""

    button: Button


@dataclass(frozen=True)
class Open:
    """An app by its name."""

    app: str


Gesture = Tap | Swipe | Type | Press | Open


def draw_phone(seed: int, language: str | None = None, unseen: bool = False) -> State:
    """Draw a phone: look, contents, time of day.

    Args:
        seed: the same seed gives the same phone.
        language: of the apps, among `skins.LANGUAGES`; if None, drawn.
        unseen: looks and names for tests, none of which appear in training.
    """
    skin = draw_skin(seed, language, unseen)
    return State(draw_world(seed, unseen), skin, minute=draw_minute(seed))


@lru_cache(maxsize=1024)
def view(state: State) -> Screen:
    """What the display shows."""
    place = state.place
    screen = arranged(state, find_app(place.app).pages[place.page](state, place))
    return with_popup(state, screen) if state.popup else screen


def step(state: State, gesture: Gesture) -> State:
    """The phone after a gesture; where the gesture does nothing, an equal state."""
    if isinstance(gesture, Tap):
        return _touched(state, gesture.x, gesture.y, held=False)
    if isinstance(gesture, Swipe):
        return _swiped(state, gesture)
    if isinstance(gesture, Type):
        return typed(state, gesture.text, gesture.clear)
    if isinstance(gesture, Open):
        return open_app(replace(state, popup=""), gesture.app, find_app(gesture.app).first)
    return pressed(state, gesture.button)


def act(state: State, event: Event) -> State:
    """The phone after the event of a part that was touched."""
    if event.kind == "go":
        return go(state, event.name, event.argument)
    if event.kind == "back":
        return pressed(state, "back")
    if event.kind == "home":
        return home(state)
    if event.kind == "open":
        return open_app(state, event.name, find_app(event.name).first)
    if event.kind == "dismiss":
        return replace(state, popup="")
    if event.kind == "focus":
        known = any(key == event.name for key, _ in state.drafts)
        filled = state if known else state.with_draft(event.name, event.argument)
        return replace(filled, focus=event.name, keys="lower")
    if event.kind == "key":
        return _keyed(state, event.name)
    return _done(state, event)


def _done(state: State, event: Event) -> State:
    changed = find_app(state.place.app).deeds[event.name](state, event.argument)
    return replace(changed, focus="") if event.name != "send" else changed


def pressed(state: State, button: Button) -> State:
    """The phone after one of its buttons, or a key that needs no keyboard."""
    if button == "back":
        if state.focus:
            return replace(state, focus="")
        return replace(state, popup="") if state.popup else back(state)
    if button == "home":
        return home(replace(state, popup=""))
    if button == "recents":
        return replace(state, stack=(Place(LAUNCHER, "home"), Place(LAUNCHER, "recents")), focus="", popup="")
    if button == "enter":
        return _entered(state)
    if button == "delete":
        return state.with_draft(state.focus, state.draft(state.focus)[:-1]) if state.focus else state
    return replace(state, display=not state.display)


def typed(state: State, text: str, clear: bool = False) -> State:
    """The phone after text was put into the field that has the focus; without one, nothing happens."""
    if not state.focus:
        return state
    before = "" if clear else state.draft(state.focus)
    return state.with_draft(state.focus, (before + text)[:LONGEST_TEXT])


def _entered(state: State) -> State:
    if not state.focus:
        return state
    last = view(state).page.bottom[-1:]
    if last and last[0].event is not None:
        return act(state, last[0].event)
    return replace(state, focus="")


def _keyed(state: State, name: str) -> State:
    if name == "recents":
        return pressed(state, "recents")
    if name == "enter":
        return pressed(state, "enter")
    if name == "delete":
        return pressed(state, "delete")
    if name == "shift":
        return replace(state, keys="lower" if state.keys == "upper" else "upper")
    if name == "digits":
        return replace(state, keys="lower" if state.keys == "digits" else "digits")
    after = typed(state, name)
    return replace(after, keys="lower") if state.keys == "upper" else after


def _touched(state: State, x: int, y: int, held: bool) -> State:
    if not state.display:
        return state
    found = view(state).at(x, y)
    if found is None:
        return state
    event = found.hold if held and found.hold is not None else found.event
    return state if event is None else act(state, event)


def _swiped(state: State, swipe: Swipe) -> State:
    if max(abs(swipe.to_x - swipe.x), abs(swipe.to_y - swipe.y)) <= SLIP:
        return _touched(state, swipe.x, swipe.y, held=swipe.seconds >= HOLD_S)
    screen = view(state)
    if not state.display or not screen.far or not inside(screen.body, swipe.x, swipe.y):
        return state
    return scrolled(state, min(screen.far, max(0, min(state.place.scroll, screen.far) + swipe.y - swipe.to_y)))


def app_names() -> tuple[str, ...]:
    """The names of all apps but the launcher."""
    return tuple(each.name for each in APPS)

"""Maps: places with a search, a page of each, a route, saved places."""

from __future__ import annotations

from dataclasses import replace

from edgewise.agent.phone.moves import go
from edgewise.agent.phone.parts import App, Page, Part, button, entry, icon, nothing, word
from edgewise.agent.phone.state import Event, Place, Spot, State


def _numbered(state: State, number: str) -> Spot:
    return next(each for each in state.world.spots if each.number == int(number))


def _length(metres: int) -> str:
    return f"{metres / 1000:.1f} km" if metres >= 1000 else f"{metres} m"


def _rows(spots: tuple[Spot, ...]) -> tuple[Part, ...]:
    return tuple(
        Part("row", "spot", each.name, _length(each.metres), "pin", event=Event("go", "spot", str(each.number)))
        for each in spots
    )


def _spots(state: State, place: Place) -> Page:
    wanted = state.draft("maps.spots.find").strip().casefold()
    found = tuple(each for each in state.world.spots if wanted in each.name.casefold())
    near = tuple(sorted(found, key=lambda each: each.metres))
    return Page(
        word(state, "maps"),
        (entry(state, "maps.spots.find", "search"), *nothing(state, _rows(near))),
        actions=(icon(state, "saved", "star", Event("go", "saved")),),
    )


def _spot(state: State, place: Place) -> Page:
    spot = _numbered(state, place.argument)
    return Page(
        spot.name,
        (
            Part("picture", "map", spot.name, glyph="map"),
            Part("row", "address", spot.address, word(state, "address"), "pin"),
            Part("row", "distance", _length(spot.metres), word(state, "distance"), "route"),
            Part("switch", "keep", word(state, "keep place"), event=Event("do", "keep", place.argument), on=spot.saved),
            button(state, "route", Event("go", "route", place.argument)),
        ),
    )


def _route(state: State, place: Place) -> Page:
    spot = _numbered(state, place.argument)
    if state.world.route == spot.number:
        body = (Part("heading", "on_the_way", word(state, "arrived")), button(state, "stop", Event("do", "stop")))
        return Page(spot.name, body)
    return Page(
        word(state, "route"),
        (
            Part("picture", "way", spot.name, glyph="route"),
            Part("row", "goal", spot.name, spot.address, "pin"),
            button(state, "start", Event("do", "start", place.argument)),
        ),
    )


def _saved(state: State, place: Place) -> Page:
    return Page(word(state, "saved"), nothing(state, _rows(tuple(each for each in state.world.spots if each.saved))))


def _keep(state: State, argument: str) -> State:
    spots = tuple(
        replace(each, saved=not each.saved) if each.number == int(argument) else each for each in state.world.spots
    )
    return replace(state, world=replace(state.world, spots=spots))


def _start(state: State, argument: str) -> State:
    return replace(state, world=replace(state.world, route=int(argument)))


def _stop(state: State, argument: str) -> State:
    return go(replace(state, world=replace(state.world, route=-1)), "spots")


MAPS = App(
    "maps",
    "map",
    {"spots": _spots, "spot": _spot, "route": _route, "saved": _saved},
    {"keep": _keep, "start": _start, "stop": _stop},
)

"""Calendar: appointments of a month, a page of each, a form."""

from __future__ import annotations

from dataclasses import replace

from edgewise.agent.phone.moves import back
from edgewise.agent.phone.parts import App, Page, Part, clock_time, confirmation, entry, icon, nothing, word
from edgewise.agent.phone.state import Appointment, Event, Place, State, next_number

DAY, MINUTE = "calendar.form.day", "calendar.form.minute"
"""Drafts that hold the day and the minute of the form."""
FIRST_DAY, FIRST_MINUTE, LAST_DAY = 1, 9 * 60, 28
"""What the form begins with; every simulated month has 28 days."""


def _appointments(state: State, place: Place) -> Page:
    rows = tuple(
        Part(
            "row",
            "appointment",
            each.title,
            f"{each.day}. {clock_time(each.minute)}",
            "calendar",
            event=Event("go", "appointment", str(each.number)),
        )
        for each in sorted(state.world.appointments, key=lambda each: (each.day, each.minute))
    )
    return Page(word(state, "calendar"), nothing(state, rows), main=icon(state, "add", "plus", Event("go", "form")))


def _appointment(state: State, place: Place) -> Page:
    each = next(each for each in state.world.appointments if each.number == int(place.argument))
    return Page(
        each.title,
        (
            Part("row", "day", f"{each.day}.", word(state, "day"), "calendar"),
            Part("row", "time", clock_time(each.minute), word(state, "time"), "clock"),
        ),
        actions=(icon(state, "delete", "bin", Event("go", "remove", place.argument)),),
    )


def _level(state: State, key: str, value: str, name: str, by: int) -> Part:
    return Part(
        "level", key, word(state, key), value, event=Event("do", name, str(by)), less=Event("do", name, str(-by))
    )


def _form(state: State, place: Place) -> Page:
    day, minute = int(state.draft(DAY, str(FIRST_DAY))), int(state.draft(MINUTE, str(FIRST_MINUTE)))
    return Page(
        word(state, "add"),
        (
            entry(state, "calendar.form.title", "title"),
            _level(state, "day", str(day), "move_day", 1),
            _level(state, "hours", clock_time(minute), "move_minute", 60),
        ),
        actions=(icon(state, "save", "check", Event("do", "save")),),
    )


def _move_day(state: State, argument: str) -> State:
    day = int(state.draft(DAY, str(FIRST_DAY))) + int(argument)
    return state.with_draft(DAY, str((day - 1) % LAST_DAY + 1))


def _move_minute(state: State, argument: str) -> State:
    minute = int(state.draft(MINUTE, str(FIRST_MINUTE))) + int(argument)
    return state.with_draft(MINUTE, str(minute % (24 * 60)))


def _save(state: State, argument: str) -> State:
    title = state.draft("calendar.form.title").strip()
    if not title:
        return state
    appointments = state.world.appointments
    new = Appointment(
        next_number(tuple(each.number for each in appointments)),
        title,
        int(state.draft(DAY, str(FIRST_DAY))),
        int(state.draft(MINUTE, str(FIRST_MINUTE))),
    )
    world = replace(state.world, appointments=(*appointments, new))
    return back(replace(state, world=world).without_drafts("calendar.form."))


def _remove(state: State, argument: str) -> State:
    left = tuple(each for each in state.world.appointments if each.number != int(argument))
    return back(back(replace(state, world=replace(state.world, appointments=left))))


CALENDAR = App(
    "calendar",
    "calendar",
    {
        "appointments": _appointments,
        "appointment": _appointment,
        "form": _form,
        "remove": lambda state, place: confirmation(state, "remove", place.argument),
    },
    {"move_day": _move_day, "move_minute": _move_minute, "save": _save, "remove": _remove},
)

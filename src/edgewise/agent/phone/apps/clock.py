"""Clock: alarms, a form for a new one, a timer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from edgewise.agent.phone.moves import back
from edgewise.agent.phone.parts import App, Page, Part, button, clock_time, confirmation, icon, nothing, word
from edgewise.agent.phone.state import Alarm, Event, Place, State, next_number

EARLIEST, STEP, SHORTEST, LONGEST = 7 * 60, 5, 1, 60
"""Minute of the day that a new alarm begins with; minutes of one touch; minutes of a timer."""
SET, RUN = "clock.form.minute", "clock.timer.length"
"""Drafts that hold the minute of the form and the length of the timer."""


def _alarms(state: State, place: Place) -> Page:
    rows = tuple(
        Part(
            "switch",
            "alarm",
            clock_time(each.minute),
            glyph="bell",
            event=Event("do", "turn", str(each.number)),
            hold=Event("go", "remove", str(each.number)),
            on=each.on,
        )
        for each in sorted(state.world.alarms, key=lambda each: each.minute)
    )
    return Page(
        word(state, "alarms"),
        nothing(state, rows),
        actions=(icon(state, "timer", "timer", Event("go", "timer")),),
        main=icon(state, "new alarm", "plus", Event("go", "form")),
    )


def _level(state: State, key: str, value: str, name: str, by: int) -> Part:
    return Part(
        "level",
        key,
        word(state, key),
        value,
        event=Event("do", name, str(by)),
        less=Event("do", name, str(-by)),
    )


def _form(state: State, place: Place) -> Page:
    minute = int(state.draft(SET, str(EARLIEST)))
    return Page(
        word(state, "new alarm"),
        (
            Part("heading", "time", clock_time(minute)),
            _level(state, "hours", f"{minute // 60:02d}", "shift", 60),
            _level(state, "minutes", f"{minute % 60:02d}", "shift", STEP),
        ),
        actions=(icon(state, "save", "check", Event("do", "save")),),
    )


def _timer(state: State, place: Place) -> Page:
    if state.world.timer:
        running = Part("heading", "running", clock_time(state.world.timer))
        return Page(word(state, "timer"), (running, button(state, "stop", Event("do", "stop"))))
    length = int(state.draft(RUN, str(STEP)))
    return Page(
        word(state, "timer"),
        (_level(state, "minutes", str(length), "lengthen", 1), button(state, "start", Event("do", "start"))),
    )


def _turn(state: State, argument: str) -> State:
    alarms = tuple(
        replace(each, on=not each.on) if each.number == int(argument) else each for each in state.world.alarms
    )
    return replace(state, world=replace(state.world, alarms=alarms))


def _shift(state: State, argument: str) -> State:
    minute = (int(state.draft(SET, str(EARLIEST))) + int(argument)) % (24 * 60)
    return state.with_draft(SET, str(minute))


def _save(state: State, argument: str) -> State:
    alarms = state.world.alarms
    number = next_number(tuple(each.number for each in alarms))
    new = Alarm(number, int(state.draft(SET, str(EARLIEST))), True)
    return back(replace(state, world=replace(state.world, alarms=(*alarms, new))).without_drafts("clock.form."))


def _remove(state: State, argument: str) -> State:
    alarms = tuple(each for each in state.world.alarms if each.number != int(argument))
    return back(replace(state, world=replace(state.world, alarms=alarms)))


def _lengthen(state: State, argument: str) -> State:
    length = int(state.draft(RUN, str(STEP))) + int(argument)
    return state.with_draft(RUN, str(min(LONGEST, max(SHORTEST, length))))


def _set_timer(read: Callable[[State], int]) -> Callable[[State, str], State]:
    def changed(state: State, argument: str) -> State:
        return replace(state, world=replace(state.world, timer=read(state)))

    return changed


CLOCK = App(
    "clock",
    "clock",
    {
        "alarms": _alarms,
        "form": _form,
        "timer": _timer,
        "remove": lambda state, place: confirmation(state, "remove", place.argument),
    },
    {
        "turn": _turn,
        "shift": _shift,
        "save": _save,
        "remove": _remove,
        "lengthen": _lengthen,
        "start": _set_timer(lambda state: int(state.draft(RUN, str(STEP)))),
        "stop": _set_timer(lambda state: 0),
    },
)

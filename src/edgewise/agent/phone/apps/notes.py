"""Notes: a list, a note, a form."""

from __future__ import annotations

from dataclasses import replace

from edgewise.agent.phone.moves import back
from edgewise.agent.phone.parts import App, Page, Part, confirmation, entry, icon, nothing, word
from edgewise.agent.phone.state import Event, Note, Place, State, next_number


def _numbered(state: State, number: str) -> Note:
    return next(each for each in state.world.notes if each.number == int(number))


def _list(state: State, place: Place) -> Page:
    wanted = state.draft("notes.list.find").strip().casefold()
    rows = tuple(
        Part(
            "row",
            "note",
            each.title,
            each.text,
            event=Event("go", "note", str(each.number)),
            hold=Event("go", "remove", str(each.number)),
        )
        for each in state.world.notes
        if wanted in f"{each.title} {each.text}".casefold()
    )
    return Page(
        word(state, "notes"),
        (entry(state, "notes.list.find", "search"), *nothing(state, rows)),
        main=icon(state, "add", "plus", Event("go", "form")),
    )


def _note(state: State, place: Place) -> Page:
    note = _numbered(state, place.argument)
    return Page(
        note.title,
        (Part("text", "text", note.text),),
        actions=(
            icon(state, "edit", "pencil", Event("go", "form", place.argument)),
            icon(state, "delete", "bin", Event("go", "remove", place.argument)),
        ),
    )


def _form(state: State, place: Place) -> Page:
    old = _numbered(state, place.argument) if place.argument else Note(-1, "", "")
    return Page(
        word(state, "edit" if place.argument else "add"),
        (entry(state, "notes.form.title", "title", old.title), entry(state, "notes.form.text", "text", old.text)),
        actions=(icon(state, "save", "check", Event("do", "save", place.argument)),),
    )


def _save(state: State, argument: str) -> State:
    notes = state.world.notes
    old = _numbered(state, argument) if argument else Note(next_number(tuple(each.number for each in notes)), "", "")
    title = state.draft("notes.form.title", old.title).strip()
    text = state.draft("notes.form.text", old.text).strip()
    if not title and not text:
        return state
    new = replace(old, title=title or text, text=text)
    others = tuple(each for each in notes if each.number != new.number)
    return back(replace(state, world=replace(state.world, notes=(new, *others))).without_drafts("notes.form."))


def _remove(state: State, argument: str) -> State:
    notes = tuple(each for each in state.world.notes if each.number != int(argument))
    left = back(replace(state, world=replace(state.world, notes=notes)))
    return back(left) if left.place.page == "note" else left


NOTES = App(
    "notes",
    "note",
    {
        "list": _list,
        "note": _note,
        "form": _form,
        "remove": lambda state, place: confirmation(state, "remove", place.argument),
    },
    {"save": _save, "remove": _remove},
)

"""Contacts: a list of people, a page of each, a form, a search."""

from __future__ import annotations

from dataclasses import replace

from edgewise.agent.phone.moves import back, go
from edgewise.agent.phone.parts import App, Page, Part, button, confirmation, entry, icon, nothing, word
from edgewise.agent.phone.state import Contact, Event, Place, State, next_number


def named(state: State, number: str) -> Contact:
    """The contact of a number."""
    return next(each for each in state.world.contacts if each.number == int(number))


def _rows(contacts: tuple[Contact, ...]) -> tuple[Part, ...]:
    return tuple(
        Part(
            "row",
            "contact",
            each.name,
            each.phone,
            "star" if each.favourite else "person",
            event=Event("go", "person", str(each.number)),
            hold=Event("go", "remove", str(each.number)),
        )
        for each in sorted(contacts, key=lambda each: each.name)
    )


def _people(state: State, place: Place) -> Page:
    return Page(
        word(state, "contacts"),
        nothing(state, _rows(state.world.contacts)),
        actions=(icon(state, "search", "search", Event("go", "find")),),
        main=icon(state, "add", "plus", Event("go", "form")),
    )


def _find(state: State, place: Place) -> Page:
    wanted = state.draft("contacts.find.name").strip().casefold()
    found = tuple(each for each in state.world.contacts if wanted in each.name.casefold())
    return Page(word(state, "search"), (entry(state, "contacts.find.name", "name"), *nothing(state, _rows(found))))


def _person(state: State, place: Place) -> Page:
    person = named(state, place.argument)
    return Page(
        person.name,
        (
            Part("picture", "portrait", person.name, glyph="person"),
            Part("row", "phone", person.phone, word(state, "phone"), "phone"),
            Part("row", "address", person.address, word(state, "address"), "pin"),
            Part("switch", "favourite", word(state, "favourite"), event=_do("favourite", person), on=person.favourite),
            button(state, "write", Event("do", "write", place.argument)),
        ),
        actions=(
            icon(state, "edit", "pencil", Event("go", "form", place.argument)),
            icon(state, "delete", "bin", Event("go", "remove", place.argument)),
        ),
    )


def _do(name: str, person: Contact) -> Event:
    return Event("do", name, str(person.number))


def _form(state: State, place: Place) -> Page:
    old = named(state, place.argument) if place.argument else Contact(-1, "", "", "")
    return Page(
        word(state, "edit" if place.argument else "add"),
        (
            entry(state, "contacts.form.name", "name", old.name),
            entry(state, "contacts.form.phone", "phone", old.phone),
            entry(state, "contacts.form.address", "address", old.address),
        ),
        actions=(icon(state, "save", "check", Event("do", "save", place.argument)),),
    )


def _save(state: State, argument: str) -> State:
    people = state.world.contacts
    old = (
        named(state, argument) if argument else Contact(next_number(tuple(each.number for each in people)), "", "", "")
    )
    new = replace(
        old,
        name=state.draft("contacts.form.name", old.name).strip(),
        phone=state.draft("contacts.form.phone", old.phone).strip(),
        address=state.draft("contacts.form.address", old.address).strip(),
    )
    if not new.name:
        return state
    kept = tuple(each for each in people if each.number != new.number)
    world = replace(state.world, contacts=(*kept, new))
    done = back(replace(state, world=world).without_drafts("contacts.form."))
    return done if argument else go(done, "person", str(new.number))


def _favourite(state: State, argument: str) -> State:
    people = tuple(
        replace(each, favourite=not each.favourite) if each.number == int(argument) else each
        for each in state.world.contacts
    )
    return replace(state, world=replace(state.world, contacts=people))


def _remove(state: State, argument: str) -> State:
    gone = int(argument)
    world = replace(
        state.world,
        contacts=tuple(each for each in state.world.contacts if each.number != gone),
        messages=tuple(each for each in state.world.messages if each.contact != gone),
    )
    stack = tuple(each for each in state.stack if each.argument != argument or each.app not in ("contacts", "messages"))
    return replace(state, world=world, stack=stack)


def _write(state: State, argument: str) -> State:
    stack = (*state.stack, Place("messages", "chat", argument))
    return replace(
        state, stack=stack, focus="", recents=("messages", *(each for each in state.recents if each != "messages"))
    )


CONTACTS = App(
    "contacts",
    "person",
    {
        "people": _people,
        "find": _find,
        "person": _person,
        "form": _form,
        "remove": lambda state, place: confirmation(state, "remove", place.argument),
    },
    {"save": _save, "favourite": _favourite, "remove": _remove, "write": _write},
)

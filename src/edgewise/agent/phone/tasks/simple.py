"""Simple tasks: one app, few steps."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from edgewise.agent.phone.apps.settings import GROUPS
from edgewise.agent.phone.contents import LEVEL_STEP, SWITCHES
from edgewise.agent.phone.parts import clock_time
from edgewise.agent.phone.state import Message, Note, State, next_number
from edgewise.agent.phone.tasks.task import Subgoal, Task

Template = Callable[[State, random.Random], Task]
WORDS = (
    "See you at nine|Happy birthday|The train was late|Please call back|I am at the door",
    "Dinner is ready|Bring an umbrella|Meeting moved to ten|Good luck today|Left at noon",
)
"""What is to be written: texts of training, then texts of tests."""
NAMES = {
    "wifi": "Wi-Fi",
    "bluetooth": "Bluetooth",
    "aeroplane": "aeroplane mode",
    "mobile": "mobile data",
    "dark": "the dark theme",
    "vibration": "vibration",
}


def some_words(state: State, rng: random.Random) -> str:
    """A text to write that belongs to the phone: of training, or of tests."""
    unseen = state.skin.variant == 2  # the variant that only looks for tests have
    return rng.choice(WORDS[int(unseen)].split("|"))


def one(name: str, instruction: str, state: State, *subgoals: Subgoal) -> Task:
    """A simple task."""
    return Task(name, "simple", instruction, state, subgoals)


def turn_setting(state: State, rng: random.Random) -> Task:
    """Turn a switch of the settings."""
    name = rng.choice(SWITCHES)
    value = state.world.setting(name)
    world = state.world.with_setting(name, 1 - value)
    told = f"Turn {NAMES[name]} {'off' if value else 'on'}"
    return one("turn-setting", told, state, Subgoal(told, "settings", world, deeds=(f"turn {name}",)))


def change_level(state: State, rng: random.Random) -> Task:
    """Raise or lower brightness or volume by one or two touches."""
    name, touches = rng.choice(("brightness", "volume")), rng.choice((-2, -1, 1, 2))
    value = state.world.setting(name) + LEVEL_STEP * touches
    told = f"Set the {name} to {value} per cent"
    deed = f"{'raise' if touches > 0 else 'lower'} {name}"
    world = state.world.with_setting(name, value)
    return one("change-level", told, state, Subgoal(told, "settings", world, deeds=(deed,)))


def show_group(state: State, rng: random.Random) -> Task:
    """Show a page of the settings."""
    group = rng.choice((*GROUPS, "about"))
    told = "Show the page about the phone in the settings" if group == "about" else f"Show the {group} settings"
    return one("show-settings", told, state, Subgoal(told, "settings", page=(group, "")))


def turn_alarm(state: State, rng: random.Random) -> Task:
    """Turn an alarm on or off."""
    alarm = rng.choice(state.world.alarms)
    alarms = tuple(replace(each, on=not each.on) if each == alarm else each for each in state.world.alarms)
    told = f"Turn the alarm at {clock_time(alarm.minute)} {'off' if alarm.on else 'on'}"
    world = replace(state.world, alarms=alarms)
    return one("turn-alarm", told, state, Subgoal(told, "clock", world, deeds=(f"turn {alarm.number}",)))


def delete_alarm(state: State, rng: random.Random) -> Task:
    """Delete an alarm, by a long press."""
    alarm = rng.choice(state.world.alarms)
    world = replace(state.world, alarms=tuple(each for each in state.world.alarms if each != alarm))
    told, number = f"Delete the alarm at {clock_time(alarm.minute)}", str(alarm.number)
    return one("delete-alarm", told, state, Subgoal(told, "clock", world, deeds=("remove",), arguments=(number,)))


def start_timer(state: State, rng: random.Random) -> Task:
    """Start the timer as it is set."""
    told = "Start a timer of 5 minutes"
    return one("start-timer", told, state, Subgoal(told, "clock", replace(state.world, timer=5), deeds=("start",)))


def show_contact(state: State, rng: random.Random) -> Task:
    """Show a contact."""
    person = rng.choice(state.world.contacts)
    told, number = f"Show the contact {person.name}", str(person.number)
    return one("show-contact", told, state, Subgoal(told, "contacts", page=("person", number), arguments=(number,)))


def favourite(state: State, rng: random.Random) -> Task:
    """Make a contact a favourite."""
    person = rng.choice(state.world.contacts)
    people = tuple(replace(each, favourite=True) if each == person else each for each in state.world.contacts)
    told, number = f"Mark {person.name} as a favourite in the contacts", str(person.number)
    world = replace(state.world, contacts=people)
    return one("favourite", told, state, Subgoal(told, "contacts", world, deeds=("favourite",), arguments=(number,)))


def send_message(state: State, rng: random.Random) -> Task:
    """Send a message in a conversation that there is."""
    number = rng.choice(sorted({each.contact for each in state.world.messages}))
    person = next(each for each in state.world.contacts if each.number == number)
    text = some_words(state, rng)
    told = f'Send {person.name} the message "{text}"'
    return one("send-message", told, state, sending(state, told, number, text))


def sending(state: State, told: str, number: int, text: str) -> Subgoal:
    """The subgoal that a message was sent."""
    world = replace(state.world, messages=(*state.world.messages, Message(number, text, True)))
    texts = ((f"messages.chat.{number}.text", text),)
    return Subgoal(told, "messages", world, texts=texts, deeds=("send",), arguments=(str(number),))


def show_note(state: State, rng: random.Random) -> Task:
    """Show a note."""
    note = rng.choice(state.world.notes)
    told, number = f'Open the note "{note.title}"', str(note.number)
    return one("show-note", told, state, Subgoal(told, "notes", page=("note", number), arguments=(number,)))


def delete_note(state: State, rng: random.Random) -> Task:
    """Delete a note."""
    note = rng.choice(state.world.notes)
    world = replace(state.world, notes=tuple(each for each in state.world.notes if each != note))
    told, number = f'Delete the note "{note.title}"', str(note.number)
    return one("delete-note", told, state, Subgoal(told, "notes", world, deeds=("remove",), arguments=(number,)))


def noting(state: State, told: str, title: str, text: str = "") -> Subgoal:
    """The subgoal that there is a new note."""
    number = next_number(tuple(each.number for each in state.world.notes))
    world = replace(state.world, notes=(Note(number, title, text), *state.world.notes))
    texts = (("notes.form.title", title), *((("notes.form.text", text),) if text else ()))
    return Subgoal(told, "notes", world, texts=texts, deeds=("save",))


def add_note(state: State, rng: random.Random) -> Task:
    """Write a note with a title."""
    title = some_words(state, rng)
    told = f'Add a note with the title "{title}"'
    return one("add-note", told, state, noting(state, told, title))


def take_product(state: State, rng: random.Random) -> Task:
    """Put a product into the basket."""
    product = rng.choice(state.world.products)
    world = replace(state.world, basket=(*state.world.basket, product.number))
    told, number = f"Put the product {product.name} into the basket of the shop", str(product.number)
    return one("take-product", told, state, Subgoal(told, "shop", world, deeds=("take",), arguments=(number,)))


def keep_spot(state: State, rng: random.Random) -> Task:
    """Save a place of the map."""
    spot = rng.choice(state.world.spots)
    spots = tuple(replace(each, saved=True) if each == spot else each for each in state.world.spots)
    told, number = f"Save the place {spot.name} in the maps", str(spot.number)
    world = replace(state.world, spots=spots)
    return one("keep-spot", told, state, Subgoal(told, "maps", world, deeds=("keep",), arguments=(number,)))


def start_route(state: State, rng: random.Random) -> Task:
    """Start the way to a place."""
    spot = rng.choice(state.world.spots)
    told, number = f"Start the route to {spot.name}", str(spot.number)
    world = replace(state.world, route=spot.number)
    return one("start-route", told, state, Subgoal(told, "maps", world, deeds=("start",), arguments=(number,)))


def delete_appointment(state: State, rng: random.Random) -> Task:
    """Delete an appointment."""
    gone = rng.choice(state.world.appointments)
    world = replace(state.world, appointments=tuple(each for each in state.world.appointments if each != gone))
    told, number = f'Delete the appointment "{gone.title}"', str(gone.number)
    return one(
        "delete-appointment", told, state, Subgoal(told, "calendar", world, deeds=("remove",), arguments=(number,))
    )


SIMPLE: tuple[Template, ...] = (
    turn_setting,
    change_level,
    show_group,
    turn_alarm,
    delete_alarm,
    start_timer,
    show_contact,
    favourite,
    send_message,
    show_note,
    delete_note,
    add_note,
    take_product,
    keep_spot,
    start_route,
    delete_appointment,
)

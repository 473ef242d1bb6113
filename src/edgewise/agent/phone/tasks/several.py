"""Complex tasks: several apps, something to remember, or many steps."""

from __future__ import annotations

import random
from dataclasses import replace

from edgewise.agent.phone.apps.calendar import DAY, FIRST_DAY, FIRST_MINUTE, MINUTE
from edgewise.agent.phone.apps.clock import EARLIEST, SET
from edgewise.agent.phone.apps.shop import ADDRESS
from edgewise.agent.phone.parts import clock_time, euros
from edgewise.agent.phone.state import Alarm, Appointment, Contact, Order, State, World, next_number
from edgewise.agent.phone.tasks.simple import NAMES, Template, noting, sending, some_words
from edgewise.agent.phone.tasks.task import Subgoal, Task

STEP = 5
"""Minutes of one touch of the alarm's form."""


def several(name: str, instruction: str, state: State, *subgoals: Subgoal) -> Task:
    """A complex task."""
    return Task(name, "complex", instruction, state, subgoals)


def _person(state: State, rng: random.Random) -> Contact:
    return rng.choice(state.world.contacts)


def _looked_up(person: Contact, fact: str) -> Subgoal:
    number = str(person.number)
    return Subgoal(f"Look up {person.name}", "contacts", page=("person", number), arguments=(number,), fact=fact)


def send_place(state: State, rng: random.Random) -> Task:
    """Send a contact the address of a place."""
    spot, person = rng.choice(state.world.spots), _person(state, rng)
    number = str(spot.number)
    look = Subgoal(f"Look up {spot.name}", "maps", page=("spot", number), arguments=(number,), fact=spot.address)
    send = sending(state, f"Send it to {person.name}", person.number, spot.address)
    return several("send-place", f"Send {person.name} the address of {spot.name}", state, look, send)


def send_number(state: State, rng: random.Random) -> Task:
    """Send a contact the telephone number of another."""
    of, to = rng.sample(state.world.contacts, 2)
    send = sending(state, f"Send it to {to.name}", to.number, of.phone)
    return several(
        "send-number", f"Send {to.name} the phone number of {of.name}", state, _looked_up(of, of.phone), send
    )


def send_note(state: State, rng: random.Random) -> Task:
    """Send a contact the text of a note."""
    note, person = rng.choice(state.world.notes), _person(state, rng)
    number = str(note.number)
    look = Subgoal(f"Read the note {note.title}", "notes", page=("note", number), arguments=(number,), fact=note.text)
    send = sending(state, f"Send it to {person.name}", person.number, note.text)
    return several("send-note", f'Send {person.name} the text of the note "{note.title}"', state, look, send)


def send_time(state: State, rng: random.Random) -> Task:
    """Send a contact the time of an appointment."""
    what, person = rng.choice(state.world.appointments), _person(state, rng)
    number, time = str(what.number), clock_time(what.minute)
    look = Subgoal(f"Look up {what.title}", "calendar", page=("appointment", number), arguments=(number,), fact=time)
    send = sending(state, f"Send it to {person.name}", person.number, time)
    return several("send-time", f'Send {person.name} the time of the appointment "{what.title}"', state, look, send)


def note_price(state: State, rng: random.Random) -> Task:
    """Write down the price of a product."""
    product = rng.choice(state.world.products)
    number, price = str(product.number), euros(product.price)
    look = Subgoal(f"Look up {product.name}", "shop", page=("product", number), arguments=(number,), fact=price)
    write = noting(state, "Write it down as a note", product.name, price)
    told = f'Add a note with the title "{product.name}" and its price in the shop as the text'
    return several("note-price", told, state, look, write)


def note_address(state: State, rng: random.Random) -> Task:
    """Write down the address of a contact."""
    person = _person(state, rng)
    write = noting(state, "Write it down as a note", person.name, person.address)
    told = f'Add a note with the title "{person.name}" and the address of this contact as the text'
    return several("note-address", told, state, _looked_up(person, person.address), write)


def _ordering(state: State, products: tuple[int, ...], address: str) -> tuple[Subgoal, ...]:
    found, world = [], state.world
    for number in products:
        world = replace(world, basket=(*world.basket, number))
        name = next(each.name for each in world.products if each.number == number)
        taken = Subgoal(f"Put {name} into the basket", "shop", world, deeds=("take",), arguments=(str(number),))
        found.append(taken)
    ordered = replace(world, orders=(*world.orders, Order(world.basket, address)), basket=())
    order = Subgoal("Order it", "shop", ordered, texts=((ADDRESS, address),), deeds=("order",))
    return (*found, order)


def order_to_contact(state: State, rng: random.Random) -> Task:
    """Order a product to the address of a contact."""
    product, person = rng.choice(state.world.products), _person(state, rng)
    told = f"Order the product {product.name} to the address of {person.name}"
    order = _ordering(state, (product.number,), person.address)
    return several("order-to-contact", told, state, _looked_up(person, person.address), *order)


def order_to_place(state: State, rng: random.Random) -> Task:
    """Order a product to the address of a place."""
    product, spot = rng.choice(state.world.products), rng.choice(state.world.spots)
    number = str(spot.number)
    look = Subgoal(f"Look up {spot.name}", "maps", page=("spot", number), arguments=(number,), fact=spot.address)
    told = f"Order the product {product.name} to the address of {spot.name}"
    return several("order-to-place", told, state, look, *_ordering(state, (product.number,), spot.address))


def order_two(state: State, rng: random.Random) -> Task:
    """Order two products to an address that is told."""
    first, second = rng.sample(state.world.products, 2)
    address = _person(state, rng).address
    told = f'Order the products {first.name} and {second.name}, in this order, to "{address}"'
    return several("order-two", told, state, *_ordering(state, (first.number, second.number), address))


def set_alarm(state: State, rng: random.Random) -> Task:
    """Set a new alarm."""
    hours, touches = rng.choice((-4, -3, 3, 4)), rng.choice((1, 2, 3))
    minute = EARLIEST + 60 * hours + STEP * touches
    number = next_number(tuple(each.number for each in state.world.alarms))
    world = replace(state.world, alarms=(*state.world.alarms, Alarm(number, minute, True)))
    hour = Subgoal(
        "Set the hour",
        "clock",
        page=("form", ""),
        drafts=((SET, str(EARLIEST + 60 * hours)),),
        deeds=(f"shift {60 if hours > 0 else -60}",),
    )
    fine = Subgoal("Set the minute", "clock", page=("form", ""), drafts=((SET, str(minute)),), deeds=(f"shift {STEP}",))
    save = Subgoal("Save the alarm", "clock", world, deeds=("save",))
    return several("set-alarm", f"Set a new alarm at {clock_time(minute)}", state, hour, fine, save)


def add_contact(state: State, rng: random.Random) -> Task:
    """Add a contact with name, telephone number and address."""
    first, last = (rng.choice(state.world.contacts).name.split(" ")[part] for part in (0, 1))
    name, address = f"{first} {last} junior", rng.choice(state.world.spots).address
    number = next_number(tuple(each.number for each in state.world.contacts))
    phone = f"+49 {rng.randint(100, 999)} {rng.randint(1000, 9999)}"
    world = replace(state.world, contacts=(*state.world.contacts, Contact(number, name, phone, address)))
    values = (("name", name), ("phone", phone), ("address", address))
    fields = tuple((f"contacts.form.{key}", value) for key, value in values)
    told = f'Add the contact "{name}" with the phone number "{phone}" and the address "{address}"'
    written = [
        Subgoal(f"Write the {key}", "contacts", page=("form", ""), drafts=fields[:last], texts=fields[:last])
        for last, (key, _) in enumerate(values, 1)
    ]
    save = Subgoal("Save the contact", "contacts", world, deeds=("save",))
    return several("add-contact", told, state, *written, save)


def move_contact(state: State, rng: random.Random) -> Task:
    """Change the address of a contact to that of a place."""
    person, spot = _person(state, rng), rng.choice(state.world.spots)
    number, where = str(person.number), str(spot.number)
    look = Subgoal(f"Look up {spot.name}", "maps", page=("spot", where), arguments=(where,), fact=spot.address)
    moved = replace(person, address=spot.address)
    others = tuple(each for each in state.world.contacts if each != person)
    change = Subgoal(
        f"Change the address of {person.name}",
        "contacts",
        replace(state.world, contacts=(*others, moved)),
        texts=(("contacts.form.address", spot.address),),
        deeds=("save",),
        arguments=(number,),
    )
    told = f"Change the address of the contact {person.name} to the address of {spot.name}"
    return several("move-contact", told, state, look, change)


def add_appointment(state: State, rng: random.Random) -> Task:
    """Add an appointment on a day at an hour."""
    title, days, hours = some_words(state, rng), rng.randint(1, 4), rng.choice((-2, -1, 1, 2))
    day, minute = FIRST_DAY + days, FIRST_MINUTE + 60 * hours
    appointments = state.world.appointments
    number = next_number(tuple(each.number for each in appointments))
    world = replace(state.world, appointments=(*appointments, Appointment(number, title, day, minute)))
    field = ("calendar.form.title", title)
    form = ("form", "")
    write = Subgoal("Write the title", "calendar", page=form, drafts=(field,), texts=(field,))
    dated = Subgoal("Set the day", "calendar", page=form, drafts=(field, (DAY, str(day))), deeds=("move_day 1",))
    drafts = (field, (DAY, str(day)), (MINUTE, str(minute)))
    timed = Subgoal(
        "Set the hour", "calendar", page=form, drafts=drafts, deeds=(f"move_minute {60 if hours > 0 else -60}",)
    )
    save = Subgoal("Save the appointment", "calendar", world, deeds=("save",))
    told = f'Add the appointment "{title}" on day {day} at {clock_time(minute)}'
    return several("add-appointment", told, state, write, dated, timed, save)


def four_settings(state: State, rng: random.Random) -> Task:
    """Turn four switches of the settings."""
    names = [*rng.sample(("wifi", "bluetooth", "mobile", "aeroplane"), 3), rng.choice(("dark", "vibration"))]
    world: World = state.world
    subgoals = []
    for name in names:
        value = world.setting(name)
        world = world.with_setting(name, 1 - value)
        told = f"turn {NAMES[name]} {'off' if value else 'on'}"
        subgoals.append(Subgoal(told, "settings", world, deeds=(f"turn {name}",)))
    told = "In the settings, " + ", then ".join(each.told for each in subgoals)
    return several("four-settings", told, state, *subgoals)


def forget_contact(state: State, rng: random.Random) -> Task:
    """Write down a telephone number, then delete the contact."""
    person = _person(state, rng)
    write = noting(state, "Write it down as a note", person.phone)
    assert write.world is not None
    left = replace(
        write.world,
        contacts=tuple(each for each in state.world.contacts if each != person),
        messages=tuple(each for each in state.world.messages if each.contact != person.number),
    )
    number = str(person.number)
    gone = Subgoal(f"Delete {person.name}", "contacts", left, deeds=("remove",), arguments=(number,))
    told = f"Add a note whose title is the phone number of {person.name}, then delete the contact"
    return several("forget-contact", told, state, _looked_up(person, person.phone), write, gone)


COMPLEX: tuple[Template, ...] = (
    send_place,
    send_number,
    send_note,
    send_time,
    note_price,
    note_address,
    order_to_contact,
    order_to_place,
    order_two,
    set_alarm,
    add_contact,
    move_contact,
    add_appointment,
    four_settings,
    forget_contact,
)

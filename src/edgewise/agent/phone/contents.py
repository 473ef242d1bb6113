"""What the simulated phone holds, drawn from a seed: people, messages, notes, alarms, products, places, appointments."""

from __future__ import annotations

import random
from collections.abc import Sequence

from edgewise.agent.phone.state import Alarm, Appointment, Contact, Message, Note, Product, Spot, World

FIRST = (
    "Ana Ben Carla David Elena Farid Greta Hugo Ines Jonas Katja Liam Maria Nils Olga Pablo Quinn Rosa Sven Tara",
    "Ulla Viktor Wanda Xaver Yara Zoe Amir Birte Chen Daria Emil Fatma Goran Hana Ivo Júlia",
)
LAST = (
    "Adler Braun Costa Dias Engel Fischer García Huber Ivanova Jansen Keller López Meyer Novak Ortiz Peters Roth",
    "Silva Thoma Ueda Vogel Weber Xu Yilmaz Zimmer Abel Böhm Calvo Durand",
)
STREETS = (
    "Station Road|Mill Lane|Park Street|High Street|Harbour Road|Church Lane|Garden Way|Lindenallee|Calle Mayor|Rue du Port",
    "Orchard Close|Bridge Street|Castle Hill|Birkenweg|Plaza Nueva|Rue des Lilas|Quay Side",
)
TALK = (
    "See you tomorrow|Running ten minutes late|Thank you!|Did you get my mail?|Lunch at noon?|The key is under the mat|Call me later",  # noqa: E501
    "Great news today|Please bring the tickets|Where are you now?|I left the door open|All good here|Train is late again",
)
TITLES = (
    "Shopping list|Books to read|Gym plan|Door code|Gift ideas|Packing list|Meeting points|Recipes|Passwords hint|Garden jobs",
    "Car service|Holiday budget|Films to see|Piano lessons|Wi-Fi codes|Spare parts|Birthday plans",
)
TEXTS = (
    "milk, bread, six eggs|ask about the lamp|Tuesday at nine|blue jacket and boots|code 4417|two tickets left|bring the charger",
    "code 9052|see the dentist first|yellow folder|half past six|pay before Friday|fresh basil, tomatoes",
)
GOODS = (
    "Desk lamp|Water bottle|Phone case|Rain jacket|Wool socks|Tea pot|Bike bell|Alarm clock|Garden chair|Cook book|Head torch|Paper pads",  # noqa: E501
    "Travel mug|Wall map|Running cap|Bread knife|Picture frame|Door mat|Chess board|Yoga mat|Sun hat|Camp stove",
)
SPOTS = (
    "Hotel Astoria|City Library|Central Station|Café Luna|Science Museum|Green Pharmacy|Old Theatre|North Hospital|Rose Garden",
    "Hotel Miramar|Book Corner|West Station|Bar Verde|Art Gallery|Lake Pharmacy|Town Hall|Sports Centre",
)
EVENTS = (
    "Dentist|Team lunch|Choir|Parents' evening|Haircut|Yoga class|Flat viewing|Book club",
    "Eye test|Board meeting|Swim lesson|Car wash|Guitar lesson|Wine tasting",
)
SWITCHES = ("wifi", "bluetooth", "aeroplane", "mobile", "dark", "vibration")
LEVELS = ("brightness", "volume")
LEVEL_STEP = 10
"""Per cent of a level that one touch changes."""


def draw_world(seed: int, unseen: bool = False) -> World:
    """Draw what a phone holds.

    Args:
        seed: the same seed gives the same world.
        unseen: names and texts for tests, none of which a world of training has.
    """
    rng = random.Random(f"world {seed} {unseen}")
    part = int(unseen)
    names = rng.sample([f"{a} {b}" for a in FIRST[part].split() for b in LAST[part].split()], rng.randint(6, 10))
    contacts = tuple(
        Contact(
            number,
            name,
            f"+{rng.randint(30, 49)} {rng.randint(100, 999)} {rng.randint(10000, 99999)}",
            _street(rng, part),
        )
        for number, name in enumerate(sorted(names))
    )
    settings = tuple((name, rng.randrange(2)) for name in SWITCHES) + tuple(
        (name, LEVEL_STEP * rng.randint(2, 8)) for name in LEVELS
    )
    return World(
        contacts=contacts,
        messages=_messages(rng, part, contacts),
        notes=tuple(
            Note(number, title, rng.choice(TEXTS[part].split("|")))
            for number, title in enumerate(_some(rng, TITLES[part], 3, 6))
        ),
        alarms=tuple(
            Alarm(number, minute, rng.random() < 0.5)
            for number, minute in enumerate(sorted(rng.sample(range(300, 1200, 15), rng.randint(2, 4))))
        ),
        products=tuple(
            Product(number, name, 5 * rng.randint(60, 1800), rng.randint(1, 5))
            for number, name in enumerate(_some(rng, GOODS[part], 8, 10))
        ),
        spots=tuple(
            Spot(number, name, _street(rng, part), 10 * rng.randint(12, 900))
            for number, name in enumerate(_some(rng, SPOTS[part], 6, 8))
        ),
        appointments=tuple(
            Appointment(number, title, rng.randint(1, 28), 15 * rng.randint(32, 76))
            for number, title in enumerate(_some(rng, EVENTS[part], 2, 4))
        ),
        settings=settings,
    )


def draw_minute(seed: int) -> int:
    """The minute of the day that the phone's clock shows."""
    return random.Random(f"minute {seed}").randrange(24 * 60)


def _some(rng: random.Random, pool: str, low: int, high: int) -> Sequence[str]:
    return rng.sample(pool.split("|"), rng.randint(low, high))


def _street(rng: random.Random, part: int) -> str:
    return f"{rng.choice(STREETS[part].split('|'))} {rng.randint(1, 99)}"


def _messages(rng: random.Random, part: int, contacts: Sequence[Contact]) -> tuple[Message, ...]:
    talkers = rng.sample(contacts, rng.randint(3, 5))
    return tuple(
        Message(each.number, text, rng.random() < 0.4) for each in talkers for text in _some(rng, TALK[part], 1, 3)
    )

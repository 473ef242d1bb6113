"""Made-up names: the contents of a simulated phone under words that nobody has seen, so that what is learned are not names."""

from __future__ import annotations

import random
from dataclasses import replace

from edgewise.agent.phone.state import State

SYLLABLES = (
    *(
        "ba",
        "ko",
        "ri",
        "len",
        "sa",
        "tu",
        "vel",
        "dor",
        "ni",
        "pe",
        "zan",
        "gru",
        "fi",
        "bo",
        "har",
        "ly",
        "mo",
        "nas",
    ),
    *("tel", "qui", "xo", "wen", "jur", "ack", "est", "ome", "ist", "and", "ull", "ert", "ine", "oss"),
)
"""That made-up words are put together from."""


KNOWN = 0.6
"""Chance that a place keeps one word of its name: places are called by what they are, people are not."""


def made_up(state: State, rng: random.Random) -> State:
    """A phone that holds the same under made-up names, titles, addresses and texts."""
    world = state.world
    named = replace(
        world,
        contacts=tuple(replace(each, name=_title(rng, 2), address=_street(rng)) for each in world.contacts),
        messages=tuple(replace(each, text=_text(rng)) for each in world.messages),
        notes=tuple(replace(each, title=_phrase(rng), text=_text(rng)) for each in world.notes),
        products=tuple(replace(each, name=_phrase(rng)) for each in world.products),
        spots=tuple(replace(each, name=_spot(each.name, rng), address=_street(rng)) for each in world.spots),
        appointments=tuple(replace(each, title=_phrase(rng)) for each in world.appointments),
    )
    return replace(state, world=named)


def _word(rng: random.Random) -> str:
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 3)))


def _title(rng: random.Random, words: int) -> str:
    return " ".join(_word(rng).capitalize() for _ in range(words))


def _spot(name: str, rng: random.Random) -> str:
    words = [_title(rng, 1) for _ in range(2)]
    if rng.random() < KNOWN:
        place = rng.randrange(2)
        words[place] = name.split()[place % len(name.split())]
    return " ".join(words)


def _phrase(rng: random.Random) -> str:
    return " ".join([_word(rng).capitalize(), *(_word(rng) for _ in range(rng.randint(0, 2)))])


def _text(rng: random.Random) -> str:
    return " ".join([_word(rng).capitalize(), *(_word(rng) for _ in range(rng.randint(1, 4)))])


def _street(rng: random.Random) -> str:
    return f"{_title(rng, rng.randint(1, 2))} {rng.randint(1, 99)}"

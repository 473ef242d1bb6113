"""A situation as arrays: words, items, how they match, where things stand, what was done last."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

import numpy as np
from jaxtyping import Float, UInt8

from edgewise.agent.actions import DIRECTIONS, KINDS
from edgewise.agent.modules.interfaces import OUTCOMES, SUBGOALS, Past, Situation
from edgewise.agent.modules.learned.choices import APPS
from edgewise.agent.modules.learned.numbers import COMPARED, compared
from edgewise.agent.modules.learned.text import QUOTES, Instruction, bucket, read_instruction, said, same, words_of
from edgewise.agent.screen import MOST, Item, Role, Screen
from edgewise.construction.kind import Data

ROLES: tuple[str, ...] = get_args(Role)
WORD_TABLE, ITEM_TABLE = 384, 768
"""Rows of the tables of word pieces: of instructions, of everything on the display."""
WORD_PIECES, ITEM_PIECES, STATE_PIECES, APP_PIECES = 3, 20, 14, 2
"""Pieces of a word, of an item, of the rest of a situation, of an app."""
WORD_FACTS, MATCHES, LATEST = 9 + 2 * QUOTES, 5, 2
"""Values of a word; ways in which a word and an item match; steps that are looked back on."""
ITEM_FACTS = len(ROLES) + 7 + 6 + 4 + COMPARED + 4 + QUOTES + 6
PAST_FACTS = len(KINDS) + len(OUTCOMES) + len(DIRECTIONS) + 2 + QUOTES + 2
STATE_FACTS = SUBGOALS + 1 + 1 + 3 + 1 + 2 + QUOTES + 1 + 5 + LATEST * PAST_FACTS + 7
FEW, MANY = (32, 24), (MOST, 48)
"""Room for items and words: what most displays and instructions need, and what is read at most."""
WHOLE = 255
"""What a match of 1 is written as."""
FLAT = 0.15
"""Share of the display's height above which an item is no part of a row."""
FEW_ITEMS = 4
"""Items of a page up to which it looks like a question."""
GRAIN = 1000
"""Steps in which the share of words is told that a salt makes new."""


@dataclass(frozen=True)
class Room:
    """For how many items and words there is room."""

    items: int
    words: int


def room_for(situation: Situation) -> Room:
    """The least room that a situation is given."""
    items, words = len(situation.screen.items), len(read_instruction(situation.instruction).words)
    return Room(*(FEW if items <= FEW[0] and words <= FEW[1] else MANY))


def encode(situation: Situation, room: Room, salt: str = "") -> Data:
    """Arrays of a situation.

    Args:
        situation: any.
        room: for items and words; what is beyond is left out.
        salt: some words on the display are hashed with it, so that to a network they are words it never saw; the salt tells
            which, see `new_share`. If empty, none.
    """
    asked = read_instruction(situation.instruction)
    items = situation.screen.items[: room.items]
    pieces = np.array([_item_pieces(each, salt) for each in items], np.int16).reshape(-1, ITEM_PIECES)
    return {
        **_words(asked, room.words),
        "there": _filled(np.ones(len(items), bool), room.items),
        "item_pieces": _filled(pieces, room.items),
        "item_facts": _filled(_item_facts(situation, items, asked), room.items),
        "match": _match(items, asked, room),
        "mates": _mates(items, situation.screen.height, room.items),
        "state_facts": _state_facts(situation, asked),
        "state_pieces": np.array(_state_pieces(situation, salt), np.int16),
        "past_match": _past_match(situation.past, asked, room.words),
        **_apps(situation, asked, room.words),
    }


def _filled(array: np.ndarray, length: int) -> np.ndarray:
    """An array with zeros behind, or cut."""
    full = np.zeros((length, *array.shape[1:]), array.dtype)
    full[: min(length, len(array))] = array[:length]
    return full


def one_hot(place: int | None, length: int) -> list[float]:
    """Zeros, with a one at a place if it is there."""
    return [float(place == each) for each in range(length)]


@lru_cache(maxsize=256)
def _words_of(asked: Instruction, room: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pieces, facts = [], []
    count = len(asked.words)
    for place, (word, raw) in enumerate(zip(asked.words, asked.raw, strict=True)):
        quote, clause = asked.quote[place], asked.clause[place]
        known = quote < 0 and not any(each.isdigit() for each in word)
        parts = ((word, "w"), (word[:4], "b"), (word[-3:], "e")) if known else ()
        pieces.append([bucket(*each, WORD_TABLE) for each in parts] + [0] * (WORD_PIECES - len(parts)))
        facts.append(
            [
                *one_hot(quote, QUOTES),
                *one_hot(clause, QUOTES),
                float(quote >= 0),
                float(raw[:1].isupper() and place > 0),
                float(any(each.isdigit() for each in word)),
                float(":" in word),
                float(word.isdecimal()),
                place / room,
                (count - place) / room,
                float(raw.endswith(",")),
                1.0,
            ]
        )
    return (
        _filled(np.array(pieces, np.int16).reshape(-1, WORD_PIECES), room),
        _filled(np.array(facts, np.float16).reshape(-1, WORD_FACTS), room),
        _filled(np.ones(count, bool), room),
    )


def _words(asked: Instruction, room: int) -> Data:
    pieces, facts, spoken = _words_of(asked, room)
    return {"word_pieces": pieces, "word_facts": facts, "spoken": spoken}


@lru_cache(maxsize=4096)
def new_share(salt: str) -> float:
    """Share of the words that a salt makes new: all of them for one salt in three, else drawn from [0, 1]."""
    return min(1.0, 1.5 * bucket(salt, "share", GRAIN) / GRAIN) if salt else 0.0


@lru_cache(maxsize=65536)
def _salt_of(word: str, salt: str) -> str:
    """The salt with which a word is hashed; empty if it is to stay the word that it is."""
    return salt if salt and bucket(word, f"{salt} new", GRAIN) <= new_share(salt) * GRAIN else ""


@lru_cache(maxsize=65536)
def _pieces(text: str, salt: str, place: str, whole: int, runs: int) -> tuple[int, ...]:
    """The first words of a text, then runs of three letters of its first word, as places in the items' table."""
    words = words_of(text)
    found = [bucket(each, f"{_salt_of(each, salt)}{place} w", ITEM_TABLE) for each in words[:whole]]
    found += [0] * (whole - len(found))
    first = f"<{words[0]}>" if words and runs else ""
    run = f"{_salt_of(words[0], salt)}{place} r" if words else ""
    letters = [bucket(first[start : start + 3], run, ITEM_TABLE) for start in range(len(first) - 2)][:runs]
    return (*found, *letters, *[0] * (runs - len(letters)))


def _item_pieces(item: Item, salt: str) -> tuple[int, ...]:
    said_of_it = item.text if item.text == item.description else item.description
    return (
        *_pieces(item.text, salt, " text", 3, 4),
        *_pieces(item.detail, salt, " detail", 3, 0),
        *_pieces(said_of_it, salt, " text", 3, 3),
        *_pieces(item.resource, "", "resource", 3, 0),
        *_pieces(item.sign, "", "sign", 1, 0),
    )


def _item_facts(situation: Situation, items: tuple[Item, ...], asked: Instruction) -> Float[np.ndarray, "m f"]:
    screen = situation.screen
    facts = [each.text for each in situation.facts]
    rows = [
        [*_facts_of(item, screen, asked, place, len(items), facts), *_stands(item, place, len(items), situation.past)]
        for place, item in enumerate(items)
    ]
    return np.array(rows, np.float16).reshape(-1, ITEM_FACTS)


def _stands(item: Item, place: int, count: int, past: tuple[Past, ...]) -> tuple[float, ...]:
    """Where an item stands on a page of few, and whether it says what was touched before."""
    latest = [*reversed(past[-LATEST:])]
    again = [float(same(item.text, each.target)) for each in latest]
    first, last, before_last = place == 0, count - place == 1, count - place == 2
    return (
        float(first),
        float(last),
        float(before_last),
        float(count <= FEW_ITEMS),
        *again,
        *[0.0] * (LATEST - len(again)),
    )


def _facts_of(item: Item, screen: Screen, asked: Instruction, place: int, count: int, facts: list[str]) -> list[float]:
    left, top, right, bottom = item.box
    wide, high = screen.width, screen.height
    flags = (item.touchable, item.holdable, item.focused, item.scrollable, item.checked is True, item.checked is False)
    return [
        *one_hot(ROLES.index(item.role), len(ROLES)),
        *map(float, flags),
        float(bool(screen.title) and item.text == screen.title),
        (left + right) / 2 / wide,
        (top + bottom) / 2 / high,
        (right - left) / wide,
        (bottom - top) / high,
        place / MOST,
        (count - place) / MOST,
        float(not item.text),
        float(not item.detail),
        float(not item.description),
        float(not item.sign),
        *compared(asked, item.text, item.detail),
        float(any(same(item.text, each) for each in facts)),
        float(any(same(item.detail, each) for each in facts)),
        float(bool(facts) and same(item.text, facts[-1])),
        max((said(words_of(item.text), each)[1] for each in facts), default=0.0),
        *(float(place < len(asked.quotes) and same(item.text, asked.quotes[place])) for place in range(QUOTES)),
    ]


@lru_cache(maxsize=65536)
def _item_match(
    words: tuple[str, ...], quotes: tuple[int, ...], text: str, detail: str, names: str, whole: tuple[bool, ...]
) -> UInt8[np.ndarray, "l c"]:
    near, share = said(words, text)
    below, below_share = said(words, detail)
    named, _ = said(words, names)
    filled = np.array([0.0 if each < 0 else float(whole[each]) for each in quotes], np.float32)
    found = np.stack([near, near * share, below * below_share, named, filled], axis=1)
    return np.round(WHOLE * found).astype(np.uint8)


def _match(items: tuple[Item, ...], asked: Instruction, room: Room) -> UInt8[np.ndarray, "m l c"]:
    full = np.zeros((room.items, room.words, MATCHES), np.uint8)
    for place, item in enumerate(items):
        whole = tuple(same(item.text, each) for each in asked.quotes)
        names = f"{item.description} {item.resource}"
        found = _item_match(asked.words, asked.quote, item.text, item.detail, names, whole)[: room.words]
        full[place, : len(found)] = found
    return full


def _mates(items: tuple[Item, ...], height: int, room: int) -> np.ndarray:
    """Which items stand in a row with which [m, m]."""
    full = np.zeros((room, room), bool)
    if not items:
        return full
    boxes = np.array([each.box for each in items])
    top, bottom = boxes[:, 1], boxes[:, 3]
    middle, flat = (top + bottom) / 2, bottom - top < FLAT * height
    within = (middle[:, None] >= top) & (middle[:, None] < bottom)
    beside = (within | within.T) & flat[:, None] & flat & ~np.eye(len(items), dtype=bool)
    full[: len(items), : len(items)] = beside
    return full


def _state_facts(situation: Situation, asked: Instruction) -> Float[np.ndarray, " g"]:
    screen, past = situation.screen, situation.past
    since = sum(each.finished == situation.finished for each in past)
    latest = [*reversed(past[-LATEST:]), *[None] * LATEST][:LATEST]
    facts = [each.text for each in situation.facts]
    return np.array(
        [
            *one_hot(situation.finished, SUBGOALS + 1),
            float(screen.keyboard),
            *one_hot(min(len(facts), 2), 3),
            float(screen.width > screen.height),
            float(asked.time is not None),
            float(asked.number is not None),
            *one_hot(len(asked.quotes), QUOTES + 1),
            *one_hot(min(since, 4), 5),
            *(value for each in latest for value in _past_facts(each, screen, asked, facts)),
            *one_hot(min(sum(each.outcome == "B" for each in past), 2), 3),
            *one_hot(min(sum(each.outcome == "C" for each in past), 2), 3),
            float(len(screen.items) <= FEW_ITEMS),
        ],
        np.float16,
    )


def _past_facts(past: Past | None, screen: Screen, asked: Instruction, facts: list[str]) -> list[float]:
    if past is None:
        return [0.0] * PAST_FACTS
    action = past.action
    typed = action.text if action.kind == "type" else ""
    return [
        *one_hot(KINDS.index(action.kind), len(KINDS)),
        *one_hot(OUTCOMES.index(past.outcome), len(OUTCOMES)),
        *one_hot(None if action.direction is None else DIRECTIONS.index(action.direction), len(DIRECTIONS)),
        float(past.page == screen.title),
        float(action.key == "back"),
        *(float(place < len(asked.quotes) and same(typed, asked.quotes[place])) for place in range(QUOTES)),
        float(any(same(typed, each) for each in facts)),
        1.0,
    ]


def _state_pieces(situation: Situation, salt: str) -> tuple[int, ...]:
    past = situation.past[-1] if situation.past else None
    target, page = (past.target, past.page) if past else ("", "")
    key = past.action.key or "" if past else ""
    return (
        *page_pieces(situation.screen, salt),
        *_pieces(target, salt, " target", 3, 2),
        *_pieces(page, salt, " page", 2, 0),
        *_pieces(key, "", "key", 1, 0),
    )


def page_pieces(screen: Screen, salt: str) -> tuple[int, ...]:
    """Places in the items' table [6] that say which page it is: the app and the title."""
    app = screen.app.rsplit(".", 1)[-1]
    return (*_pieces(app, "", "app", 1, 0), *_pieces(screen.title, salt, " title", 3, 2))


def _past_match(past: tuple[Past, ...], asked: Instruction, room: int) -> UInt8[np.ndarray, " l"]:
    """How alike the words of the instruction are to what was touched last."""
    return named_in(asked, past[-1].target if past else "", room)


def named_in(asked: Instruction, text: str, room: int) -> UInt8[np.ndarray, " l"]:
    """How alike the words of an instruction are to a text, less so if it says more."""
    near, share = said(asked.words, text)
    return _filled(np.round(WHOLE * near * share).astype(np.uint8), room)


def _apps(situation: Situation, asked: Instruction, room: int) -> Data:
    pieces, matches = np.zeros((APPS, APP_PIECES), np.int16), np.zeros((APPS, room), np.uint8)
    open_now = np.zeros(APPS, bool)
    for place, app in enumerate(situation.apps[:APPS]):
        name = app.rsplit(".", 1)[-1]
        pieces[place] = _pieces(name, "", "package", 2, 0)
        near = said(asked.words, name)[0][:room]
        matches[place, : len(near)] = np.round(WHOLE * near)
        open_now[place] = app == situation.screen.app
    there = np.arange(APPS) < len(situation.apps)
    return {"app_pieces": pieces, "app_match": matches, "app_open": open_now, "app_there": there}

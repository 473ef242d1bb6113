"""Whether an instruction in English names something: what is done, and the people and things that it is done to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import lru_cache

from edgewise.agent.modules.rules.meanings import ALIKE, synonyms
from edgewise.agent.wording import phrase, plain_words

QUOTED = re.compile(r"[\"“„]([^\"“”„]*)[\"”]")
TABLE = """
deleting : delete remove erase discard clear empty trash bin uninstall reset wipe cancel drop
ordering : order buy purchase pay subscribe book rent
sending  : send write message text tell answer reply respond share forward mail email post submit publish invite transfer say ask
saving   : add create write set save make change update edit rename put move schedule enter keep store note
starting : start begin run play go navigate launch record call dial
stopping : stop end cancel halt pause finish
taking   : put add take order buy get purchase
turning  : turn switch enable disable activate deactivate toggle mark star favourite favorite save keep pin set bookmark mute
turning  : unmute check uncheck tick select choose make
nothing  : a an the this that these my your his her its our their of to in on off at for with from by as and or then it them into
nothing  : please me whose which is are be up down all new per cent shop contact contacts note notes message messages calendar
nothing  : appointment appointments clock alarm alarms map maps place places settings setting phone number address price time
nothing  : text title day product products basket page app name called
nouns    : text message order book mail note start call
"""
"""Verbs with which an instruction asks for what changes something; words that name nothing; verbs that are nouns too."""


def _read(table: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in table.strip().splitlines():
        key, _, words = line.partition(":")
        found[key.strip()] = found.get(key.strip(), frozenset()) | frozenset(words.split())
    return found


WORDS = _read(TABLE)
PLAIN = frozenset[str]().union(*WORDS.values())
"""Words of an instruction that name nothing by themselves."""
LEAST = 4
"""Letters from which a text that was read with an error may still be a name."""


@lru_cache(maxsize=256)
def unquoted(instruction: str) -> str:
    """An instruction without what it quotes: quoted texts ask for nothing."""
    return QUOTED.sub(" ", instruction)


def asks_for(instruction: str, change: str) -> bool:
    """Whether an instruction has a verb that asks for a change, outside of quotes; what may be a noun must begin a clause."""
    bare, verbs = unquoted(instruction), WORDS.get(change, frozenset())
    if verbs & set(plain_words(bare)) - WORDS["nouns"]:
        return True
    clauses = re.split(r"[.,;:!?]|\band\b|\bthen\b", bare)
    return any(plain_words(each)[:1] and plain_words(each)[0] in verbs for each in clauses)


@lru_cache(maxsize=256)
def names_in(instruction: str) -> tuple[tuple[str, ...], ...]:
    """Names in an instruction as words: quoted texts, words with capital letters that follow one another, other words."""
    quoted = [plain_words(each) for each in QUOTED.findall(instruction)]
    return tuple(each for each in (*quoted, *_spoken(unquoted(instruction))) if each)


def _spoken(text: str) -> Iterator[tuple[str, ...]]:
    name: tuple[str, ...] = ()
    begins = True
    for token in text.split():
        words = plain_words(re.sub(r"['’]s\b", "", token))
        if token[0].isupper() and not begins:
            name += words
        else:
            yield name
            name = ()
            if not set(words) <= PLAIN:
                yield words
        if token[-1] in ".,;:!?":
            yield name
            name = ()
        begins = token[-1] in ".!?"
    yield name


def names(instruction: str, text: str) -> bool:
    """Whether an instruction names a text of the display: all words of one of its names are in it.

    Words that mean the same in the four languages of `meanings` count, and texts that were read with a wrong letter.
    """
    words = set(plain_words(text)) | synonyms(text)
    if not words:
        return bool(text.strip()) and _as_written(text) in _as_written(instruction)
    return any(
        set(each) <= words or "".join(each) in words or _alike(" ".join(each), phrase(text))
        for each in names_in(instruction)
    )


def _alike(name: str, text: str) -> bool:
    digits = [re.findall(r"\d+", each) for each in (name, text)]
    if len(name) < LEAST or digits[0] != digits[1]:
        return False
    return SequenceMatcher(None, name, text, autojunk=False).ratio() >= ALIKE


def _as_written(text: str) -> str:
    return " ".join(text.split()).casefold()


def holds(whole: str, part: str) -> bool:
    """Whether the words of a text stand in another, one after another; letters that are not ASCII as they are written."""
    if not part.isascii() or not phrase(part):
        return _as_written(part) in _as_written(whole)
    return f" {phrase(part)} " in f" {phrase(whole)} "

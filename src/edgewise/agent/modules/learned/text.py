"""Texts as networks take them: words, hashed pieces of words, and how much of a text an instruction says."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

QUOTES = 4
"""Quoted texts of an instruction that are told apart."""
QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”|«([^»]*)»')
AROUND = " \t\n.,:;!?\"'()[]“”«»¿¡…"
"""Characters that do not belong to a word at whose ends they stand."""
TIME = re.compile(r"(\d{1,2}):(\d{2})")
ALIKE = 0.6
"""Least similarity that counts: one letter of five that is another still does."""
RUN = 3
"""Letters of the pieces by which words are compared."""
SHORTEST = 4
"""Letters of the shortest word that may be alike without being the same."""


@lru_cache(maxsize=65536)
def plain(word: str) -> str:
    """A word in small letters, without what stands around it and without hyphens."""
    return word.strip(AROUND).casefold().replace("-", "")


@lru_cache(maxsize=65536)
def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, or of a name in an app, such as `new_alarm`."""
    found = (plain(each) for each in text.replace("_", " ").split())
    return tuple(each for each in found if each)


@lru_cache(maxsize=65536)
def alike(first: str, second: str) -> float:
    """Similarity of two words: 1 if they are the same, else Dice's coefficient of their runs of letters, 0 if it is low."""
    if first == second:
        return 1.0
    if min(len(first), len(second)) < SHORTEST:
        return 0.0
    one, other = _runs(first), _runs(second)
    shared = 2 * len(one & other) / (len(one) + len(other))
    return shared if shared >= ALIKE else 0.0


@lru_cache(maxsize=65536)
def _runs(word: str) -> frozenset[str]:
    bounded = f"<{word}>"
    return frozenset(bounded[start : start + RUN] for start in range(len(bounded) - RUN + 1))


@lru_cache(maxsize=262144)
def bucket(word: str, salt: str, buckets: int) -> int:
    """The place of a word in a table, from 1; 0 is left for nothing."""
    return 1 + zlib.crc32(f"{salt} {word}".encode()) % (buckets - 1)


@dataclass(frozen=True)
class Instruction:
    """An instruction, read.

    Attributes:
        words: as `plain` gives them.
        raw: as they are written.
        quote: of each word, the place of the quoted text that it stands in; -1 outside.
        clause: of each word, how many "then" stand before it.
        quotes: the quoted texts, at most `QUOTES`.
        time: hour and minute that it names outside of quotes. If None, none.
        number: the first whole number that it names outside of quotes. If None, none.
    """

    words: tuple[str, ...]
    raw: tuple[str, ...]
    quote: tuple[int, ...]
    clause: tuple[int, ...]
    quotes: tuple[str, ...]
    time: tuple[int, int] | None
    number: int | None


@lru_cache(maxsize=4096)
def read_instruction(text: str) -> Instruction:
    """Read an instruction."""
    spans = [(each.start(), each.end(), next(one for one in each.groups() if one is not None))
             for each in QUOTED.finditer(text)][:QUOTES]  # fmt: skip
    words, raw, quote, clause = [], [], [], []
    thens, time, number = 0, None, None
    for found in re.finditer(r"\S+", text):
        word = plain(found.group())
        if not word:
            continue
        inside = next((place for place, each in enumerate(spans) if each[0] <= found.start() < each[1]), -1)
        thens += inside < 0 and word == "then"
        words.append(word)
        raw.append(found.group())
        quote.append(inside)
        clause.append(thens)
        if inside < 0:
            clock = TIME.fullmatch(word)
            if clock and time is None:
                time = int(clock[1]), int(clock[2])
            if word.isdecimal() and number is None:
                number = int(word)
    quotes = tuple(each[2] for each in spans)
    return Instruction(tuple(words), tuple(raw), tuple(quote), tuple(clause), quotes, time, number)


@lru_cache(maxsize=65536)
def said(words: tuple[str, ...], text: str) -> tuple[Float[np.ndarray, " l"], float]:
    """What an instruction says of a text.

    Args:
        words: of the instruction, plain.
        text: any.

    Returns:
        For each word of the instruction how alike the nearest word of the text is, and the share of the text's words that the
        instruction has. The array is not to be changed.
    """
    inner = words_of(text)
    if not inner or not words:
        return np.zeros(len(words), np.float32), 0.0
    table = np.array([[alike(one, other) for other in inner] for one in words], np.float32)
    found = table.max(axis=1)
    found.flags.writeable = False
    return found, float(table.max(axis=0).mean())


def same(first: str, second: str) -> bool:
    """Whether two texts have the same words, and any."""
    one = words_of(first)
    return bool(one) and one == words_of(second)

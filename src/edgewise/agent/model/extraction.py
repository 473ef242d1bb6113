"""JSON in what a model says: in fences, after thoughts, cut short."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
OPEN_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.DOTALL)
FENCED = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.DOTALL)
DECODER = json.JSONDecoder()
LONGEST = 100_000
"""Characters of an answer that are looked through."""
MOST = 50
"""Objects of an answer that are looked at."""


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects in a text, the likeliest first: the whole text, in fences, cut short, the last ones.

    Of an object that was cut short the value that was begun is left out, even where it could be closed: a text, a list or a
    number that was cut is not the one that was meant.
    """
    text = OPEN_THOUGHT.sub("", THOUGHT.sub("", text[:LONGEST])).strip()
    fenced = [each.strip() for each in FENCED.findall(text)]
    for whole in (text, *reversed(fenced)):
        found = _loaded(whole)
        if found is not None:
            yield found
    mended = _mended(text)
    if mended is not None:
        yield mended
    yield from reversed(list(_outermost(text)))


def _loaded(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _outermost(text: str) -> Iterator[dict[str, Any]]:
    """Whole objects that are in no other one, from the first on."""
    place, seen = text.find("{"), 0
    while place >= 0 and seen < MOST:
        seen += 1
        try:
            found, end = DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            if isinstance(found, dict):
                yield found
        place = text.find("{", end)


def _mended(text: str) -> dict[str, Any] | None:
    """The first object of a text that ends before it does, up to its last whole value. If None, there is none."""
    start = text.find("{")
    if start < 0:
        return None
    stack: list[str] = []
    inside, escaped, whole = False, False, ""
    for place in range(start, len(text)):
        letter = text[place]
        if inside:
            inside = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
            continue
        if letter == '"':
            inside = True
        elif letter in "{[":
            stack.append("}" if letter == "{" else "]")
        elif letter in "}]" and (stack.pop() != letter or not stack):
            return None
        if letter in ",}]" and len(stack) == 1:
            whole = text[start : place + (letter != ",")] + "}"
    return _loaded(whole) if whole else None

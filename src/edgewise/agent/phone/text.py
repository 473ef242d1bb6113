"""Letters: the typefaces of looks, and text broken into lines."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import matplotlib
from PIL import ImageFont


@lru_cache(maxsize=64)
def typeface(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A typeface of those that matplotlib ships, at a height in pixels."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / f"{name}.ttf"), size)


@lru_cache(maxsize=65536)
def width(text: str, name: str, size: int) -> float:
    """Width of a text in one line, pixels."""
    return typeface(name, size).getlength(text)


@lru_cache(maxsize=8192)
def lines(text: str, name: str, size: int, room: int) -> tuple[str, ...]:
    """A text broken between words, and within words that are too long, into lines of at most `room` pixels."""
    found, line = [], ""
    for part in text.split(" "):
        longer = f"{line} {part}" if line else part
        if width(longer, name, size) <= room:
            line = longer
            continue
        if line:
            found.append(line)
        line = part
        while width(line, name, size) > room and len(line) > 1:
            fits = next(n for n in range(len(line) - 1, 0, -1) if n == 1 or width(line[:n], name, size) <= room)
            found.append(line[:fits])
            line = line[fits:]
    return (*found, line)


@lru_cache(maxsize=8192)
def shortened(text: str, name: str, size: int, room: int) -> str:
    """A text cut to one line, with an ellipsis where something is left out."""
    if width(text, name, size) <= room:
        return text
    fits = next((n for n in range(len(text) - 1, 0, -1) if width(text[:n] + "…", name, size) <= room), 0)
    return text[:fits] + "…"


@lru_cache(maxsize=8192)
def end_of(text: str, name: str, size: int, room: int) -> str:
    """The last part of a text that fits into one line, as a field shows it while it is typed into."""
    start = next((n for n in range(len(text)) if width(text[n:], name, size) <= room), len(text))
    return text[start:]

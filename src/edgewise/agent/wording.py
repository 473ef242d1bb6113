"""Texts as words that can be compared, whatever language they are in."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


@lru_cache(maxsize=8192)
def plain_words(text: str) -> tuple[str, ...]:
    """Words of a text in lower case, without accents; names of resources are taken apart."""
    flat = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return tuple(re.findall(r"[a-z0-9]+", flat))


def phrase(text: str) -> str:
    """The words of a text with one space between."""
    return " ".join(plain_words(text))

"""Keys of endpoints: read from a file or the environment, and shown by nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewise.common.errors import ConfigurationError

KEY, KEY_FILE = "EDGEWISE_MODEL_KEY", "EDGEWISE_MODEL_KEY_FILE"
"""Environment variables: the endpoint's key, if it wants one; or a file that holds it."""


class Key:
    """The key of an endpoint: nothing shows it.

    Args:
        text: of the key.
        source: where it comes from, for the error.

    Raises:
        ConfigurationError: if it cannot stand in a header; the error does not show it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str, source: str = KEY) -> None:
        if not text.isascii() or not text.isprintable() or " " in text or not text:
            raise ConfigurationError(source, "...", "a key of printable ASCII characters without spaces")
        self._text = text

    def __repr__(self) -> str:
        return "Key(...)"

    def __reduce__(self) -> Any:
        raise TypeError("a key is not written into files")

    def header(self) -> dict[str, str]:
        """The header that carries it."""
        return {"Authorization": f"Bearer {self._text}"}

    def hidden(self, text: str) -> str:
        """A text without the key."""
        return text.replace(self._text, "...")


def find_key(variables: Sequence[str] = (KEY,), file: str | os.PathLike[str] | None = None) -> Key | None:
    """The key from a file or from the first environment variable that is set; None if there is none.

    Args:
        variables: names of environment variables.
        file: with nothing but the key. If None, that of the environment variable EDGEWISE_MODEL_KEY_FILE, if it is set.

    Raises:
        ConfigurationError: if the file cannot be read or holds no key.
    """
    file = file or os.environ.get(KEY_FILE)
    if file:
        try:
            return Key(Path(file).read_text().strip(), os.fspath(file))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no text"
            raise ConfigurationError(KEY_FILE, os.fspath(file), f"a file that can be read ({reason})") from None
    for name in variables:
        if os.environ.get(name):
            return Key(os.environ[name].strip(), name)
    return None

"""Files made beside an answer: never before it, never over a user's file, and never in its way."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NamedTuple

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import told

SOFTWARE = "edgewise"
"""What figures in PNG tell of who has written them."""
IMAGE_SUFFIXES = (".png", ".pdf", ".svg")
HEAD_BYTES = 4096
"""So far into a file its mark is looked for; in PNG texts stand before the pixels."""


def check_image_name(field: str, path: Path | None) -> None:
    """Require a file name of a kind of image that can be written, or None.

    Raises:
        ConfigurationError: naming the field.
    """
    if path is not None and path.suffix not in IMAGE_SUFFIXES:
        raise ConfigurationError(field, str(path), "a file name that ends in .png, .pdf or .svg")


def free_name(wanted: Path, is_own: Callable[[Path], bool]) -> Path:
    """A name for a file that nobody asked for by name.

    Args:
        wanted: the usual name.
        is_own: whether what exists was written by edgewise, and so may be replaced.

    Returns:
        The usual name if nothing is there or edgewise wrote it; else the first of NAME-2, NAME-3, ... of which that holds.
    """
    stem, _, endings = wanted.name.partition(".")
    suffix = f".{endings}" if endings else ""
    names = (wanted if number == 1 else wanted.with_name(f"{stem}-{number}{suffix}") for number in count(1))
    return next(name for name in names if not os.path.lexists(name) or (name.exists() and is_own(name)))


def is_own_figure(path: Path) -> bool:
    """Whether a file is a PNG figure that edgewise wrote."""
    return _begins_with(path, b"tEXtSoftware\0" + SOFTWARE.encode())


def is_own_page(path: Path) -> bool:
    """Whether a file is an HTML page that edgewise wrote."""
    return _begins_with(path, f'<meta name="generator" content="{SOFTWARE}">'.encode())


def _begins_with(path: Path, mark: bytes) -> bool:
    """Whether the first bytes of a file hold a mark."""
    try:
        with path.open("rb") as file:
            return mark in file.read(HEAD_BYTES)
    except OSError:
        return False


class Beside(NamedTuple):
    """What became of a figure beside an answer.

    Attributes:
        path: where it is; None if it could not be drawn.
        line: that in words, or why not.
    """

    path: Path | None
    line: str

    def report(self, as_json: bool) -> None:
        """Print the line: on standard output, or beside JSON on standard error and only if there is no figure."""
        if not as_json or self.path is None:
            print(self.line, file=sys.stderr if as_json else sys.stdout)


def plot_beside(chosen: Path | None, usual: Path, plot: Callable[[Path], object]) -> Beside:
    """Draw a figure beside an answer that has been given already.

    Args:
        chosen: the name that the user gave, or None.
        usual: the name otherwise, unless a file of somebody else has it.
        plot: writes the figure.
    """
    path = free_name(usual, is_own_figure) if chosen is None else chosen
    try:
        plot(path)
    except (EdgewiseError, OSError) as error:
        reason = told(error) if isinstance(error, OSError) else error
        return Beside(None, f"figure: not drawn: {reason}")
    kept = "" if path in (chosen, usual) else f" ({usual.name} was not written by edgewise, and stays)"
    return Beside(path, f"figure: {path}{kept}")

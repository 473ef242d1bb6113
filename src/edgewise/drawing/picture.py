"""A figure of a report, with its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from edgewise.common.files import replace_file
from edgewise.drawing.style import save_figure

DPI = 240
"""Twice the pixels of a figure on a page of the usual width, for screens that are sharp."""


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes:
        name: the name of its files.
        caption: what is seen.
        figure: drawn.
        data: what it shows.
    """

    name: str
    caption: str
    figure: Figure
    data: pd.DataFrame


def save_picture(picture: Picture, folder: Path) -> Path:
    """Write a picture as PNG, and its data as CSV beside it.

    Returns:
        The path of the image.
    """
    picture.figure.set_dpi(DPI)
    path = folder / f"{picture.name}.png"
    save_figure(picture.figure, path)
    replace_file(path.with_suffix(".csv"), picture.data.to_csv(index=False).encode())
    return path

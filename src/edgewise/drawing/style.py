"""Figures that every system shares, in one style: readable in print and by colour-blind readers."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from edgewise.common.by_products import SOFTWARE
from edgewise.common.errors import EdgewiseError
from edgewise.common.files import replace_file

# Okabe and Ito's palette
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000",
)  # fmt: skip
GREY = "#6b7280"
STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "font.size": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType; publishers refuse the Type 3 fonts that are the default
}
"""Matplotlib's settings of every figure; font sizes are points, chosen for figures about 7 inches wide."""
DPI = 150
"""Pixels per inch of figures without vectors."""
METADATA: dict[str, dict[str, str | None]] = {".pdf": {"CreationDate": None}, ".png": {"Software": SOFTWARE}}
"""By a file's ending: the same figure gives the same PDF, and a PNG tells that edgewise wrote it."""
styled = partial(mpl.rc_context, STYLE)
"""Decorator of functions that plot: `@styled()` gives them the shared style."""


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, np.ndarray]:
    """A figure of the given size in inches and its axes [rows, columns]; call it inside `styled`."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure whole or not at all; the format follows the name's ending. The same figure gives the same PDF.

    Raises:
        EdgewiseError: if the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch, mpl.rc_context(STYLE):
            file = Path(scratch) / path.name
            figure.savefig(file, metadata=METADATA.get(file.suffix))
            replace_file(path, file.read_bytes())
    except OSError as error:
        raise EdgewiseError(f"{path}: cannot be written: {error.strerror or error}") from None


def spread_labels(positions: Sequence[float], gap: float) -> list[float]:
    """Move label positions apart until neighbours are `gap` apart, keeping their order and, nearly, their centre."""
    order = np.argsort(positions)
    placed = np.asarray(positions, dtype=float)[order]
    for _ in range(200):
        overlap = gap - np.diff(placed)
        if (overlap <= 1e-9).all():
            break
        push = np.maximum(overlap, 0) / 2
        placed[:-1] -= push
        placed[1:] += push
    result = np.empty_like(placed)
    result[order] = placed
    return list(result)

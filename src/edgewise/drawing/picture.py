"""A figure of a report, with its data."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure


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

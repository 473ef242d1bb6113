"""Text for help pages, as wide as the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping

WIDEST = 100
"""Longer lines are hard to read."""


def listed(summaries: Mapping[str, str]) -> str:
    """Names with a line on each, which goes on below itself where the terminal is too narrow."""
    column = 4 + max(map(len, summaries), default=0)
    width = min(shutil.get_terminal_size().columns, WIDEST)
    return "\n".join(
        textwrap.fill(
            f"  {name:<{column - 4}}  {summary}",
            max(width, column + 20),
            subsequent_indent=" " * column,
            break_on_hyphens=False,
        )
        for name, summary in summaries.items()
    )

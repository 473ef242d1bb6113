"""Runs of a folder in a terminal of 80 columns or more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edgewise.drawing.scene import short
from edgewise.reports.watched import Group as RunGroup
from edgewise.reports.watched import Watched, watch

BLOCKS = "▁▂▃▄▅▆▇█"
CURVE = 10
"""Letters of a curve."""
WIDE = 110
"""Columns of a terminal in which there is room for steps and ages too."""
FIELDS = 8
"""Most differences that are shown."""
STYLES = {"running": "bold cyan", "done": "green", "waiting": "yellow", "stopped": "red"}


def watch_in_terminal(folder: Path, every_s: float, once: bool) -> None:
    """Show runs, again and again until Ctrl-C where output is a terminal.

    Args:
        folder: whose runs.
        every_s: time between two looks, s.
        once: look once.
    """
    console = Console(highlight=False)
    if once or not console.is_terminal:
        console.print(text_of(folder, console.width))
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(text_of(folder, console.width), refresh=True)
            time.sleep(every_s)


def text_of(folder: Path, width: int) -> RenderableType:
    """What the terminal shows.

    Args:
        folder: whose runs.
        width: of the terminal, columns.
    """
    groups, faults = watch(folder)
    shown: list[RenderableType] = [Text(f"{folder}, {time.strftime('%H:%M:%S')}", style="dim")]
    for group in groups:
        shown += [Text(f"\n{group.environment}: {group.headline.title}", style="bold"), _ranking(group, width)]
        shown += _differences(group, width)
    if not groups:
        shown.append(Text("no runs yet"))
    return Group(*shown, *(Text(fault, style="red") for fault in faults))


def _ranking(group: RunGroup, width: int) -> Table:
    wide = width >= WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", justify="right")
    table.add_column("run", no_wrap=True)
    table.add_column("learner", no_wrap=True)
    for name in ("best", "last"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("curve", no_wrap=True, min_width=CURVE)
    for name in ("steps", "done") if wide else ("done",):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True, min_width=9)
    low, high = _range(group.runs)
    learner = 24 if wide else 10
    room = max(width - learner - CURVE - (66 if wide else 45), 12)
    for place, run in enumerate(group.runs, 1):
        steps = [short(run.steps[-1] if run.steps else 0.0)] if wide else []
        last = run.means[-1] if run.means else float("nan")
        table.add_row(
            str(place), cut(run.name, room), cut(run.algorithm, learner), _value(run, run.best), _value(run, last),
            sparkline(run.means, low, high), *steps, f"{run.part:.0%}",
            Text(run.state_words, style=STYLES[run.state]),
        )  # fmt: skip
    return table


def cut(text: str, room: int) -> str:
    """A text in so many letters; what is in its middle is left out."""
    if len(text) <= room:
        return text
    end = (room - 1) * 2 // 3
    return f"{text[: room - 1 - end]}…{text[-end:]}"


def _differences(group: RunGroup, width: int) -> list[RenderableType]:
    """Fields down, runs across, as many runs as there is room for; nothing if there is but one."""
    if not group.differences:
        return []
    room = max(1, min(len(group.runs), (width - 30) // 12))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("differs in", overflow="fold", max_width=28)
    for place in range(1, room + 1):
        table.add_column(str(place), overflow="ellipsis", no_wrap=True)
    for name, words in group.differences[:FIELDS]:
        table.add_row(name, *words[:room])
    more = []
    if len(group.differences) > FIELDS:
        more.append(f"{len(group.differences) - FIELDS} more fields")
    if len(group.runs) > room:
        more.append(f"{len(group.runs) - room} more runs")
    return [table, *([Text(f"and {', '.join(more)}", style="dim")] if more else [])]


def sparkline(values: Sequence[float], low: float, high: float) -> str:
    """A curve in a few letters, the lowest for `low` and the highest for `high`."""
    if not values:
        return ""
    places = np.linspace(0, len(values) - 1, min(len(values), CURVE)).round().astype(int)
    levels = [(values[place] - low) / (high - low) if high > low else 0.5 for place in places]
    return "".join(
        BLOCKS[int(np.clip(level, 0, 1) * (len(BLOCKS) - 1))] if np.isfinite(level) else " " for level in levels
    )


def _range(runs: Sequence[Watched]) -> tuple[float, float]:
    values = [value for run in runs for value in run.means if np.isfinite(value)]
    return (min(values), max(values)) if values else (0.0, 1.0)


def _value(run: Watched, value: float) -> str:
    return run.headline.text(value) if np.isfinite(value) else "–"

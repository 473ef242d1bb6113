"""What a long run tells while it works."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Reporter = Callable[[int, str], None]
"""Told how many units are done, with a short text."""


@contextmanager
def progress_bar(description: str, total: int, unit: str) -> Iterator[Reporter]:
    """A bar with rate and remaining time on standard error; silent when that is not a terminal.

    Args:
        description: what is being done.
        total: units of work.
        unit: their name.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(description, total=total, rate="", text="")

        def report(done: int, text: str) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, text=text, rate=f"{speed:,.0f}/s" if speed else "")

        yield report

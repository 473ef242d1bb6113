"""What long work reports while it goes on."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

Reporter = Callable[[int, str], None]
"""Told how many units are done, with a short text. A report of no more units than before tells of another kind of work."""
LINES = 10
"""Lines of a whole run where there is no terminal, if it takes less than `LINES` times `LINE_S`."""
LINE_S = 30.0
"""Longest time between two lines while there are reports, s."""
REMEMBERED = 8
"""Reports by which the pace is measured."""


class Pace:
    """How fast work goes, by its newest reports. What came before the first unit, compilation above all, does not count."""

    def __init__(self, total: int) -> None:
        """Args: `total`, units of the whole work."""
        self._total = total
        self._marks: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)

    def note(self, now: float, done: int) -> None:
        """Take a report, made at `now` s."""
        if self._marks and self._marks[-1][1] == done:
            self._marks.pop()
        self._marks.append((now, done))

    @property
    def rate(self) -> float | None:
        """Units per second; None before two reports of different work."""
        if len(self._marks) < 2:
            return None
        (begin, few), (end, more) = self._marks[0], self._marks[-1]
        return (more - few) / (end - begin) if end > begin else None

    @property
    def end(self) -> float | None:
        """When the work will be done, s; None as long as nobody knows."""
        rate = self.rate
        if not rate or rate < 0:
            return None
        now, done = self._marks[-1]
        return now + (self._total - done) / rate


@contextmanager
def progress_bar(description: str, total: int, unit: str) -> Iterator[Reporter]:
    """A bar with rate and remaining time on standard error; plain lines, fewer, where that is not a terminal.

    Args:
        description: what is being done.
        total: units of work.
        unit: their name.
    """
    if sys.stderr.isatty():
        with _bar(description, total, unit) as report:
            yield report
    else:
        yield _lines(description, total, unit)


def _lines(description: str, total: int, unit: str) -> Reporter:
    pace, begin = Pace(total), time.monotonic()
    said: tuple[float, int, str] = (begin, 0, "")

    def report(done: int, text: str) -> None:
        nonlocal said
        now = time.monotonic()
        pace.note(now, done)
        spoke, before, words = said
        changed = done == before and text != words
        if not (changed or done >= total or now - spoke >= LINE_S or done * LINES // total > before * LINES // total):
            return
        said = (now, done, text)
        left = "" if pace.end is None or done >= total else f", {duration(pace.end - now)} left"
        line = f"{description}: {done:,}/{total:,} {unit}, {duration(now - begin)}{left}, {text}"
        print(line, file=sys.stderr, flush=True)

    return report


class _TimeLeft(ProgressColumn):
    """Counts down between two reports."""

    def render(self, task: Task) -> Text:
        end = task.fields["end"]
        return Text(
            "" if end is None else f"{duration(max(0.0, end - time.monotonic()))} left", style="progress.remaining"
        )


@contextmanager
def _bar(description: str, total: int, unit: str) -> Iterator[Reporter]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} " + unit),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        _TimeLeft(),
        TextColumn("{task.fields[text]}"),
    )
    pace = Pace(total)
    with Progress(*columns, console=Console(stderr=True), expand=True) as bar:
        task = bar.add_task(description, total=total, rate="", text="", end=None)

        def report(done: int, text: str) -> None:
            pace.note(time.monotonic(), done)
            rate = "" if pace.rate is None else f"{pace.rate:,.0f}/s"
            end = pace.end if done < total else None
            bar.update(task, completed=done, text=text, rate=rate, end=end)

        yield report


def duration(seconds: float) -> str:
    """A time in hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))

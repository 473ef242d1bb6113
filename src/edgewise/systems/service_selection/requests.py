"""Reader of recorded requests: CSV or JSON, plain or gzip, with a time and a size per request."""

from __future__ import annotations

import math
import os
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from edgewise.common.tables import Row, TraceError, find_columns, finite_number, read_table, wrong_value
from edgewise.common.times import Clock, TimeUnit
from edgewise.systems.service_selection.failures import Failures

GUESSES = {
    "time_column": ("time_s", "timestamp", "time", "arrival_time", "arrived_at", "arrival", "t", "seconds"),
    "size_column": (
        "size_steps",
        "generatedtokens",
        "response tokens",
        "generated_tokens",
        "output_tokens",
        "completion_tokens",
        "output_length",
        "usage.completion_tokens",
        "size",
        "tokens",
        "steps",
    ),
}
COMMAND = "edgewise workload import"
NAMED, SHOWN = 3, 40
"""Values that a remark shows, and characters of each."""
RESPONSE_WORDS = ("response", "output", "generated", "completion")
"""In the title of a column that counts what came back: nothing came back from a request with size 0 there."""


@dataclass(frozen=True, eq=False)
class Requests:
    """Recorded requests.

    Attributes:
        time_s: arrivals, never falling, s.
        size: what each asked for, in the recording's own unit.
        source: name of the file.
        size_column: title of the column that the sizes come from.
        failed: requests that were left out because they had failed.
        unsure: a status that was taken for no failure without being known, to the number of requests with it.
    """

    time_s: Float[np.ndarray, " n"]
    size: Float[np.ndarray, " n"]
    source: str
    size_column: str
    failed: int = 0
    unsure: dict[str, int] = field(default_factory=dict)

    def remarks(self) -> list[str]:
        """What a reader must know of how the recording was read."""
        empty = int((self.size == 0).sum())
        left_out = f"{_counted(self.failed)} that failed (no response, or the status of an error): left out"
        kept = f"{_counted(empty)} with {self.size_column} = 0: kept, as the smallest tasks"
        words = ", ".join(f"{text[:SHOWN]!r} ({count})" for text, count in list(self.unsure.items())[:NAMED])
        taken = f"status {words}: taken for no failure"
        remarks = ((self.failed, left_out), (empty, kept), (self.unsure, taken))
        return [f"{self.source}: {text}" for found, text in remarks if found]


def read_requests(
    path: str | os.PathLike[str],
    *,
    time_column: str | None = None,
    size_column: str | None = None,
    status_column: str | None = None,
    time_unit: TimeUnit = "s",
) -> Requests:
    """Read recorded requests, but for those that failed.

    Any CSV file with a header will do (comma, semicolon, tab or bar; more columns than needed), JSON with one object per
    line or a list of objects, the traces of Azure LLM inference (`TIMESTAMP,ContextTokens,GeneratedTokens`) and BurstGPT
    (`Timestamp,Model,Request tokens,Response tokens,...`) without naming columns. Gzip is recognised by content.

    A request has failed if it got no response (a size of 0, or none, in a column of responses) or its status says so: an
    HTTP code from 400 on, a word such as "error" or "timeout", anything in a column of errors, false in a column of successes.

    Args:
        path: the file.
        time_column: column with the time, a number or an ISO date (UTC where it names no zone). If None, it is guessed.
        size_column: column with the size. If None, it is guessed: the *generated* tokens of the traces above.
        status_column: column that shows which requests failed. If None, it is guessed; there need not be one.
        time_unit: the time unit of times that are numbers.

    Raises:
        TraceError: if the file cannot be read, is damaged or has fewer than two requests that did not fail, lacks a
            column, or has a value that is not allowed.
    """
    path = Path(path)
    rows = read_table(path)
    header = next(rows)
    columns = _Columns(path, header, time_column, size_column)
    failures = Failures(header, _status_places(path, header, status_column))
    of_responses = any(word in columns.size_title.lower() for word in RESPONSE_WORDS)
    left_out = 0
    for row in rows:
        columns.read_time(row)
        nothing = of_responses and columns.has_no_size(row)
        if failures.tells(row) or nothing or (columns.read_size(row, 0.0) == 0 and of_responses):
            left_out += 1
        else:
            columns.keep()
    if len(columns.times) < 2:
        also = f" that did not fail, and {left_out} that did" if left_out else ""
        raise TraceError(path, f"has {_counted(len(columns.times))}{also}; two or more are needed")
    times = columns.seconds(time_unit)
    return Requests(times, np.frombuffer(columns.sizes), path.name, columns.size_title, left_out, failures.unsure)


def read_columns(
    path: str | os.PathLike[str], time_column: str, size_column: str, size_range: tuple[float, float]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Times and sizes of a file, all of its rows.

    Args:
        path: the file.
        time_column: title of the column of times.
        size_column: title of the column of sizes.
        size_range: smallest and largest size that is allowed.

    Raises:
        TraceError: as `read_requests` does.
    """
    path = Path(path)
    rows = read_table(path)
    columns = _Columns(path, next(rows), time_column, size_column)
    for row in rows:
        columns.read_time(row)
        columns.read_size(row, *size_range)
        columns.keep()
    if len(columns.times) < 2:
        raise TraceError(path, f"has {_counted(len(columns.times))}; two or more are needed")
    return columns.seconds("s"), np.frombuffer(columns.sizes)


class _Columns:
    """Checked times and sizes, grown row by row."""

    def __init__(self, path: Path, header: Row, time_column: str | None, size_column: str | None) -> None:
        names = {"time_column": time_column, "size_column": size_column}
        self._path = path
        self._places = find_columns(path, header, names, GUESSES, COMMAND)
        self._time_title, self.size_title = (header.fields[place].strip() for place in self._places)
        self._clock = Clock(path)
        self._time, self._size = -math.inf, 0.0
        self.times, self.sizes = array("d"), array("d")

    def read_time(self, row: Row) -> None:
        """Take the time of a row, which may not be earlier than the last one."""
        place = self._places[0]
        instant = self._clock.read(row.row, self._time_title, row.numeral(place))
        if instant < self._time:
            problem = f"{self._time_title} = {row.fields[place]!r}: goes back; sort the file by time"
            raise TraceError(self._path, problem, row=row.row)
        self._time = instant

    def read_size(self, row: Row, low: float, high: float = math.inf) -> float:
        """Take the size of a row, in [low, high], and return it."""
        place = self._places[1]
        size = finite_number(self._path, row.row, self.size_title, row.numeral(place))
        if not low <= size <= high:
            allowed = f"in [{low:g}, {high:g}]"
            raise wrong_value(self._path, row.row, self.size_title, row.fields[place], allowed)
        self._size = size
        return size

    def has_no_size(self, row: Row) -> bool:
        """Whether nothing stands where the size of a row should be."""
        return not row.fields[self._places[1]].strip()

    def seconds(self, unit: TimeUnit) -> Float[np.ndarray, " n"]:
        """The times that were kept, s."""
        return self._clock.seconds(np.frombuffer(self.times), unit, self._time_title, COMMAND)

    def keep(self) -> None:
        """Keep what was taken."""
        self.times.append(self._time)
        self.sizes.append(self._size)


def _counted(count: int) -> str:
    return f"{count} request{'s' * (count != 1)}"


def _status_places(path: Path, header: Row, status_column: str | None) -> list[int] | None:
    return None if status_column is None else find_columns(path, header, {"status_column": status_column}, {}, COMMAND)


def read_titles(path: str | os.PathLike[str]) -> list[str]:
    """The titles of a CSV file's columns.

    Raises:
        TraceError: if the file cannot be read or is empty.
    """
    return [title.strip() for title in next(read_table(Path(path))).fields]

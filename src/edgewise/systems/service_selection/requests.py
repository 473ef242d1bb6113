"""Reader of recorded requests: CSV, plain or gzip, with a time and a size per request."""

from __future__ import annotations

import math
import os
from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from edgewise.common.tables import TraceError, find_columns, finite_number, read_csv, read_time, wrong_value

GUESSES = {
    "time_column": ("time_s", "timestamp", "time", "arrival_time", "arrived_at", "arrival", "t", "seconds"),
    "size_column": (
        "size_steps", "generatedtokens", "response tokens", "generated_tokens", "output_tokens", "completion_tokens",
        "size", "tokens", "steps",
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Requests:
    """Recorded requests.

    Attributes:
        time_s: arrivals, never falling, s.
        size: what each asked for, in the recording's own unit.
        source: name of the file.
        size_column: title of the column that the sizes come from.
    """

    time_s: Float[np.ndarray, " n"]
    size: Float[np.ndarray, " n"]
    source: str
    size_column: str


def read_requests(
    path: str | os.PathLike[str],
    *,
    time_column: str | None = None,
    size_column: str | None = None,
    size_range: tuple[float, float] = (0.0, math.inf),
) -> Requests:
    """Read recorded requests.

    Any CSV file with a header will do (comma, semicolon, tab or bar; more columns than needed), the traces of Azure LLM
    inference (`TIMESTAMP,ContextTokens,GeneratedTokens`) and BurstGPT (`Timestamp,Model,Request tokens,Response
    tokens,...`) without naming columns. Gzip is recognised by content.

    Args:
        path: the file.
        time_column: column with the time, in s or as an ISO date (UTC where it names no zone); none guesses it.
        size_column: column with the size; none guesses it, and takes the *generated* tokens of the traces above.
        size_range: smallest and largest size that is allowed.

    Raises:
        TraceError: if the file cannot be read, is damaged or has fewer than two requests, lacks a column, or has a value
            that is not allowed.
    """
    path = Path(path)
    names = {"time_column": time_column, "size_column": size_column}
    time, size = array("d"), array("d")
    rows = read_csv(path)
    header = next(rows)
    places = find_columns(path, header, names, GUESSES, "edgewise workload import")
    time_title, size_title = (header.fields[place].strip() for place in places)
    for row in rows:
        instant = read_time(path, row.row, time_title, row.numeral(places[0]))
        if time and instant < time[-1]:
            raise TraceError(
                path, f"{time_title} = {row.fields[places[0]]!r}: goes back; sort the file by time", row=row.row
            )
        amount = finite_number(path, row.row, size_title, row.numeral(places[1]))
        if not size_range[0] <= amount <= size_range[1]:
            allowed = f"in [{size_range[0]:g}, {size_range[1]:g}]"
            raise wrong_value(path, row.row, size_title, row.fields[places[1]], allowed)
        time.append(instant)
        size.append(amount)
    if len(time) < 2:
        raise TraceError(path, f"has {len(time)} request{'s' * (len(time) != 1)}; two or more are needed")
    return Requests(np.frombuffer(time), np.frombuffer(size), path.name, size_title)


def read_titles(path: str | os.PathLike[str]) -> list[str]:
    """The titles of a CSV file's columns.

    Raises:
        TraceError: if the file cannot be read or is empty.
    """
    return [title.strip() for title in next(read_csv(Path(path))).fields]

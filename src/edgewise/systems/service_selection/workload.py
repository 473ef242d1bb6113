"""Workloads: requests with a time and a task size; made from recorded requests, kept as CSV, split in time."""

from __future__ import annotations

import gzip
import importlib.resources
import io
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from edgewise.common.errors import ConfigurationError, EdgewiseError, check_integer, check_range
from edgewise.common.files import replace_file
from edgewise.common.tables import TraceError
from edgewise.systems.service_selection.requests import Requests, read_columns, read_titles

UNITS = ((365.25 * 86400, "years"), (86400.0, "days"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
"""Seconds of each unit, the largest first."""
COLUMNS = ("time_s", "size_steps")
SHIPPED = "bursty.csv.gz"


@dataclass(frozen=True, eq=False)
class Workload:
    """Requests ready for the environment.

    Attributes:
        time_s: arrivals, never falling, s.
        size_steps: T of each task, denoising steps.
        source: name of the recording.
        stretch: how many times longer it lasts than what was recorded; 1 if that is not known.
        recorded_sizes: smallest and largest size that was recorded. None if that is not known.
    """

    time_s: Float[np.ndarray, " n"]
    size_steps: Float[np.ndarray, " n"]
    source: str
    stretch: float = 1.0
    recorded_sizes: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        check_integer("requests", self.requests, 2)
        for name in COLUMNS:
            if not np.isfinite(getattr(self, name)).all():
                raise ConfigurationError(name, "...", "finite everywhere")
        check_range("size_steps", float(self.size_steps.min()), 0, open_low=True)
        if (np.diff(self.time_s) < 0).any():
            raise ConfigurationError("time_s", "...", "never falling")
        if self.seconds <= 0:
            raise ConfigurationError("time_s", float(self.time_s[0]), "not the same for every request")

    @property
    def requests(self) -> int:
        """Number of requests."""
        return len(self.time_s)

    @property
    def seconds(self) -> float:
        """Time from the first request to the last, s."""
        return float(self.time_s[-1] - self.time_s[0])

    @property
    def mean_gap(self) -> float:
        """Mean time between two requests, s."""
        return self.seconds / (self.requests - 1)

    def remarks(self) -> list[str]:
        """What a reader must know of how a recording became this workload."""
        if self.recorded_sizes is None:
            return []
        smallest, largest = self.recorded_sizes
        return [
            f"times: stretched {self.stretch:,.4g} times: {in_words(self.seconds / self.stretch)} of requests became "
            f"{in_words(self.seconds)}",
            f"sizes: by their order within this recording: {smallest:g} became {self.size_steps.min():g} steps, {largest:g} "
            f"became {self.size_steps.max():g}; sizes of workloads from different recordings cannot be compared",
        ]


def in_words(seconds: float) -> str:
    """A length of time in the largest unit of which there are two or more."""
    size, name = next((unit for unit in UNITS if seconds >= 2 * unit[0]), UNITS[-1])
    return f"{seconds / size:,.3g} {name}"


def fit_workload(
    requests: Requests,
    arrival_rate: float = 0.001,
    window: tuple[float, float] | None = None,
    smallest_task: int = 100,
    largest_task: int = 250,
    task_step: int = 10,
) -> Workload:
    """Make a workload of recorded requests: their order and rhythm stay, time and size are rescaled.

    A request with size s becomes a task of the size on the grid at the quantile of s among all requests of the window:
    with q = P(size < s) + P(size = s) / 2, the floor(16 q)-th of 16 sizes. Task sizes are thus as uniform as the ties
    in the recording allow, equal sizes stay equal, and a larger request never becomes a smaller task.

    Args:
        requests: what was recorded.
        arrival_rate: mean arrivals per second of the result.
        window: first and last time to use, s since the first request. If None, all are used.
        smallest_task: first of the task sizes, denoising steps.
        largest_task: last of them.
        task_step: distance between two.

    Raises:
        TraceError: if the window holds fewer than two requests, or all at the same time.
    """
    check_range("arrival_rate", arrival_rate, 0, open_low=True)
    check_integer("smallest_task", smallest_task, 1)
    check_integer("largest_task", largest_task, smallest_task)
    check_integer("task_step", task_step, 1)
    if window is not None:
        check_range("window", window)
        if window[0] >= window[1]:
            raise ConfigurationError("window", window, "two times, the first one earlier")
    time = requests.time_s - requests.time_s[0]
    first, last = (0.0, float(time[-1])) if window is None else window
    inside = (time >= first) & (time <= last)
    time, size = time[inside], requests.size[inside]
    if len(time) < 2 or time[-1] <= time[0]:
        raise TraceError(
            requests.source,
            f"window = ({first:g}, {last:g}): holds {len(time)} requests of {len(inside)}; "
            "two or more at different times are needed",
        )
    scale = (len(time) - 1) / (arrival_rate * (time[-1] - time[0]))
    grid = np.arange(smallest_task, largest_task + 1, task_step, dtype=float)
    ordered = np.sort(size)
    quantile = (np.searchsorted(ordered, size, "left") + np.searchsorted(ordered, size, "right")) / (2 * len(size))
    index = np.minimum((quantile * len(grid)).astype(int), len(grid) - 1)
    recorded = float(ordered[0]), float(ordered[-1])
    return Workload((time - time[0]) * scale, grid[index], requests.source, float(scale), recorded)


def save_workload(path: str | os.PathLike[str], workload: Workload) -> Path:
    """Write a workload as CSV (`time_s,size_steps`), packed if the name ends in .gz, whole or not at all.

    Raises:
        EdgewiseError: if the file cannot be written.
    """
    path, content = Path(path), _content(workload)
    try:
        replace_file(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    except OSError as error:
        raise EdgewiseError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def _content(workload: Workload) -> bytes:
    text = io.StringIO()
    text.write(",".join(COLUMNS) + "\n")
    np.savetxt(text, np.stack([workload.time_s, workload.size_steps], axis=1), fmt="%.3f,%g")
    return text.getvalue().encode()


def load_workload(path: str | os.PathLike[str], size_range: tuple[float, float] = (0.0, math.inf)) -> Workload:
    """Read a workload, as `save_workload` writes it.

    Args:
        path: the file.
        size_range: smallest and largest T that is allowed.

    Raises:
        TraceError: if the file is missing, damaged, or not a workload.
    """
    time, size = read_columns(path, *COLUMNS, size_range)
    try:
        return Workload(time, size, Path(path).name)
    except ConfigurationError as error:
        raise TraceError(path, str(error)) from None


def is_workload(path: str | os.PathLike[str]) -> bool:
    """Whether a file has the header of a workload.

    Raises:
        TraceError: if the file cannot be read.
    """
    return tuple(read_titles(path)) == COLUMNS


def is_own_workload(path: str | os.PathLike[str]) -> bool:
    """Whether a file holds, byte for byte, what `save_workload` writes of it, so that it was not made or changed by hand."""
    path = Path(path)
    try:
        content = path.read_bytes()
        return _content(load_workload(path)) == (gzip.decompress(content) if path.suffix == ".gz" else content)
    except (EdgewiseError, OSError, EOFError, zlib.error):
        return False


def find_workload(name: str, size_range: tuple[float, float] = (0.0, math.inf)) -> Workload:
    """The workload that a configuration names: "bursty", which comes with the package, or a file.

    Args:
        name: "bursty" or a path.
        size_range: smallest and largest T that is allowed.

    Raises:
        TraceError: if the file is missing, damaged, or not a workload.
    """
    if name != "bursty":
        return load_workload(name, size_range)
    file = importlib.resources.files(__package__) / "data" / SHIPPED
    with importlib.resources.as_file(file) as path:
        return load_workload(path, size_range)


def split_in_time(workload: Workload, fraction: float) -> tuple[Workload, Workload]:
    """Cut a workload in two that share no request, to train on the earlier part and evaluate on the later one.

    Args:
        workload: the whole.
        fraction: part of the time that goes to the earlier one, in (0, 1).

    Raises:
        ConfigurationError: if a part would have fewer than two requests, or all at the same time.
    """
    check_range("training_share", fraction, 0, 1, open_low=True, open_high=True)
    cut = int(np.searchsorted(workload.time_s, workload.time_s[0] + fraction * workload.seconds))
    parts = []
    for part in (slice(None, cut), slice(cut, None)):
        try:
            parts.append(Workload(workload.time_s[part], workload.size_steps[part], workload.source))
        except ConfigurationError:
            raise ConfigurationError(
                "training_share", fraction, f"such that both parts of {workload.source} have two requests or more"
            ) from None
    return parts[0], parts[1]

"""The runs of a folder as they are now: read while they are written, ranked, and compared by their configurations."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edgewise.common.errors import EdgewiseError
from edgewise.common.yaml_files import read_yaml
from edgewise.drawing.scene import SERIES, Curve, Curves, ends
from edgewise.environments import registry
from edgewise.environments.system import RETURN, Headline
from edgewise.training.claim import LOCK_FILE
from edgewise.training.run_folder import CONFIG_FILE, METRICS_FILE, TEST_FILE, read_metrics

State = Literal["waiting", "running", "stopped", "done"]
SHOWN = 2 * len(SERIES)
"""Most curves in a panel: each tone once with a line, and once dashed."""
BANDS = 4
"""Most curves with bands from the lowest seed to the highest."""
UNTOLD = ("edgewise",)
"""Entries of a configuration that are not told as differences."""
OF_LEARNERS = ("algorithm_config.", "training.")
"""Fields that other learners need not have."""
KEPT = 4096
"""Files that are remembered, so that they are read again only when they have changed."""
QUIET_S = 600.0
"""Time without an evaluation, s, after which a run is called quiet: it may be slow, or have been killed."""


@dataclass(frozen=True)
class Watched:
    """A run.

    Attributes:
        name: its folder, below the one that is watched.
        environment, algorithm: their names.
        headline: the metric of the environment.
        values: the configuration, one entry for each field: "training.steps" and so on.
        steps: environment steps per seed at each evaluation.
        means: the headline metric in it, mean over seeds.
        lows, highs: the lowest and the highest seed.
        seeds: number of learners.
        total: steps of the whole run.
        state: "waiting" for the first evaluation, "running", "stopped" before its end, or "done".
        age_s: since the last evaluation, s; not a number before the first one.
    """

    name: str
    environment: str
    algorithm: str
    headline: Headline
    values: Mapping[str, Any]
    steps: tuple[float, ...]
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    seeds: int
    total: float
    state: State
    age_s: float

    @property
    def best(self) -> float:
        """The best evaluation, whose policy is kept; not a number before the first one."""
        known = [value for value in self.means if np.isfinite(value)]
        return min(known, key=self.headline.best_first, default=float("nan"))

    @property
    def state_words(self) -> str:
        """The state, with the time since the last evaluation of a run that is at work."""
        if self.state != "running":
            return self.state
        return f"quiet {age_words(self.age_s)}" if self.age_s > QUIET_S else "running"

    @property
    def part(self) -> float:
        """How much of the run is done, from 0 to 1."""
        return min(self.steps[-1] / self.total, 1.0) if self.steps and self.total > 0 else 0.0


@dataclass(frozen=True)
class Group:
    """Runs on one environment, the best first.

    Attributes:
        environment: its name.
        runs: at least one.
        differences: fields in which they differ, each with the values of all runs in words.
    """

    environment: str
    runs: tuple[Watched, ...]
    differences: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def headline(self) -> Headline:
        """The metric by which they are ranked."""
        return self.runs[0].headline


def watch(folder: Path) -> tuple[list[Group], list[str]]:
    """The runs below a folder.

    Args:
        folder: with runs in it at any depth, or a run itself.

    Returns:
        A group for each environment, and a line for each run that cannot be read.
    """
    runs: dict[str, list[Watched]] = {}
    faults = []
    for place in run_folders(folder):
        try:
            run = read_run(place, place.relative_to(folder).as_posix() if place != folder else folder.name)
        except EdgewiseError as error:
            faults.append(str(error))
            continue
        runs.setdefault(run.environment, []).append(run)
    return [_group(environment, found) for environment, found in sorted(runs.items())], faults


def run_folders(folder: Path) -> Iterator[Path]:
    """Folders of runs at any depth; what is inside of a run is not looked at."""
    for place, below, files in os.walk(folder):
        below.sort()
        if CONFIG_FILE in files:
            below.clear()
            yield Path(place)
        else:
            below[:] = [name for name in below if not name.startswith(".")]


def read_run(folder: Path, name: str) -> Watched:
    """A run as it is now.

    Args:
        folder: of the run.
        name: that it is shown by.

    Raises:
        EdgewiseError: if its configuration or its metrics cannot be read.
    """
    values = _read_config(folder / CONFIG_FILE, _changed(folder / CONFIG_FILE))
    if not isinstance(values, dict) or not all(
        isinstance(values.get(key), str) for key in ("environment", "algorithm")
    ):
        raise EdgewiseError(f"{folder / CONFIG_FILE}: is no configuration of a run")
    environment = values["environment"]
    training = values.get("training") or {}
    try:
        headline = registry.find(environment).headline
    except EdgewiseError:
        headline = RETURN
    written = _changed(folder / METRICS_FILE)
    steps, means, lows, highs = _curve(folder, headline.metric, written)
    total = training.get("steps", 0)
    return Watched(
        name=name,
        environment=environment,
        algorithm=values["algorithm"],
        headline=headline,
        values=_flat(values),
        steps=steps,
        means=means,
        lows=lows,
        highs=highs,
        seeds=int(training.get("seeds", 1)),
        total=float(total) if isinstance(total, int | float) else 0.0,
        state=_state(folder, bool(steps)),
        age_s=time.time() - written / 1e9 if steps else float("nan"),
    )


def panel(group: Group) -> Curves:
    """The curves of a group over one axis, the best ones of many."""
    shown = group.runs[:SHOWN]
    several = len({run.algorithm for run in shown}) > 1
    drawn = [run for run in shown if run.steps]
    curves = [
        Curve(
            label=f"{run.name} ({run.algorithm})" if several else run.name,
            x=run.steps,
            y=run.means,
            tone=SERIES[place % len(SERIES)],
            dashed=place >= len(SERIES),
            dots=len(run.steps) == 1,
            band=(run.lows, run.highs) if run.seeds > 1 and len(drawn) <= BANDS else None,
        )
        for place, run in enumerate(drawn)
    ]
    last = max((max(run.steps[-1] if run.steps else 0.0, 1.0) for run in shown), default=1.0)
    more = f", the best {SHOWN} of {len(group.runs)} runs" if len(group.runs) > SHOWN else ""
    y_range = ends(*(curve.y for curve in curves))
    return Curves(
        f"{group.headline.label}{more}",
        tuple(curves),
        "environment steps per seed",
        group.headline.unit,
        (0.0, last),
        y_range,
    )


def _group(environment: str, runs: Sequence[Watched]) -> Group:
    def rank(run: Watched) -> float:
        return run.headline.best_first(run.best) if np.isfinite(run.best) else float("inf")

    ordered = tuple(sorted(runs, key=rank))
    learners = {run.algorithm for run in runs}
    names = sorted({name for run in runs for name in run.values if name not in UNTOLD})
    shared = [name for name in names if len(learners) == 1 or not name.startswith(OF_LEARNERS) or _in_all(name, runs)]
    told = [
        (name.partition(".")[2] or name, tuple(_words(run.values.get(name, "–")) for run in ordered)) for name in shared
    ]
    return Group(environment, ordered, tuple((name, words) for name, words in told if len(set(words)) > 1))


def _in_all(name: str, runs: Sequence[Watched]) -> bool:
    return all(name in run.values for run in runs)


def _changed(path: Path) -> int:
    """When a file was written last, ns since 1970; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=KEPT)
def _read_config(path: Path, written: int) -> Any:
    return read_yaml(path)


@lru_cache(maxsize=KEPT)
def _curve(folder: Path, metric: str, written: int) -> tuple[tuple[float, ...], ...]:
    """Steps, means, lows and highs; nothing before the first evaluation."""
    if not written:
        return (), (), (), ()
    metrics = read_metrics(folder, ("steps", metric))
    found = metrics.groupby("steps")[metric].agg(["mean", "min", "max"])
    columns = (found.index, *(found[name] for name in ("mean", "min", "max")))
    return tuple(tuple(float(value) for value in column) for column in columns)


def _state(folder: Path, begun: bool) -> State:
    if (folder / TEST_FILE).exists():
        return "done"
    if (folder / LOCK_FILE).exists():
        return "running" if begun else "waiting"
    return "stopped"


def _flat(values: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{start}{name}"
        flat |= _flat(value, f"{key}.") if isinstance(value, dict) else {key: value}
    return flat


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return text if len(text) <= 24 else f"{text[:23]}…"


def age_words(seconds: float) -> str:
    """How long ago, in a few letters."""
    if not np.isfinite(seconds):
        return "–"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"

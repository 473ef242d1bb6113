"""Measurements of a generator: a table that is whole on disk at any time, so that an interrupted run goes on."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewise.common.errors import ConfigurationError, EdgewiseError
from edgewise.common.files import make_folder, replace_file, told
from edgewise.common.tables import TraceError, find_columns, finite_number, read_table
from edgewise.systems.service_selection.quality.meters import Usage

SETTINGS, TABLE = "settings.json", "measurements.csv"
DECIMALS = 6
"""Of scores and costs, in memory too: a run that went on gives what one in a single piece gives."""
KEYS = ("prompt", "seed", "steps")
COSTS = ("seconds", "processor_seconds", "joules")


@dataclass(frozen=True)
class Settings:
    """What measurements are of. Two runs with the same settings measure the same.

    Attributes:
        generator: as the user names it.
        fingerprint: SHA-256 of its file.
        metrics: names, that of the curve first.
        metric_range: raw figures that become 0 and 1. If None, the metric's own.
        reference: what the pictures are compared with, if anything.
        steps: numbers of steps, rising.
        prompts: the prompts.
        seeds: seeds are 0 to this minus 1.
        energy: how energy is found, in words.
    """

    generator: str
    fingerprint: str
    metrics: tuple[str, ...]
    metric_range: tuple[float, float] | None
    reference: str | None
    steps: tuple[int, ...]
    prompts: tuple[str, ...]
    seeds: int
    energy: str

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


@dataclass(frozen=True)
class Measurement:
    """One picture.

    Attributes:
        prompt, seed, steps: what it was made of.
        scores: by metric, in [0, 1].
        usage: what it cost.
    """

    prompt: str
    seed: int
    steps: int
    scores: tuple[float, ...]
    usage: Usage

    @property
    def key(self) -> tuple[str, int, int]:
        """What it was made of."""
        return self.prompt, self.seed, self.steps


def open_folder(folder: Path, settings: Settings) -> list[Measurement]:
    """Begin measurements in a folder, or go on with those in it.

    Returns:
        What has been measured already.

    Raises:
        ConfigurationError: if the folder holds measurements with other settings, or other files.
        EdgewiseError: if it cannot be read or written.
    """
    path = folder / SETTINGS
    if path.exists():
        _check_same(path, settings)
        return read_table_of(folder / TABLE, settings.metrics) if (folder / TABLE).exists() else []
    if folder.is_dir() and any(folder.iterdir()):
        raise ConfigurationError("output", str(folder), "a new folder, or one with measurements")
    make_folder(folder)
    save(path, (json.dumps(settings.plain(), indent=1) + "\n").encode())
    return []


def _check_same(path: Path, settings: Settings) -> None:
    try:
        stored = json.loads(path.read_text())
        if not isinstance(stored, dict):
            raise ValueError
    except (OSError, ValueError):
        raise EdgewiseError(f"{path}: is damaged: choose another folder by --output") from None
    for name, value in settings.plain().items():
        if stored.get(name) != value:
            differs = "the generator's file has changed since" if name == "fingerprint" else f"{name} differs"
            raise ConfigurationError(
                "output", str(path.parent), f"a new folder, or one with the same settings: there {differs}"
            )


def save(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        EdgewiseError: if that cannot be.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise EdgewiseError(told(error)) from None


def save_table(path: Path, rows: Iterable[Measurement], metrics: Sequence[str]) -> None:
    """Write measurements as CSV: prompt, seed, steps, a score for each metric, costs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*KEYS, *metrics, *COSTS])
    for row in rows:
        costs = ["" if value is None else f"{value:.{DECIMALS}f}" for value in row.usage]
        writer.writerow([*row.key, *(f"{score:.{DECIMALS}f}" for score in row.scores), *costs])
    save(path, text.getvalue().encode())


def read_table_of(path: Path, metrics: Sequence[str]) -> list[Measurement]:
    """Read measurements, as `save_table` writes them.

    Raises:
        TraceError: if the file is damaged, or lacks a column.
    """
    rows = read_table(path)
    titles = [*KEYS, *metrics, *COSTS]
    places = find_columns(path, next(rows), dict.fromkeys(titles, None), {title: (title.lower(),) for title in titles})
    found = []
    for row in rows:
        text = dict(zip(titles, (row.fields[place] for place in places), strict=True))

        def value(title: str, line: int = row.row, text: dict[str, str] = text) -> float:
            return finite_number(path, line, title, text[title])

        joules = value("joules") if text["joules"] else None
        usage = Usage(value("seconds"), value("processor_seconds"), joules)
        scores = tuple(value(name) for name in metrics)
        found.append(Measurement(text["prompt"], int(value("seed")), int(value("steps")), scores, usage))
    keys = [each.key for each in found]
    if len(set(keys)) < len(keys):
        raise TraceError(path, "prompt, seed and steps: stand twice in the table")
    return found

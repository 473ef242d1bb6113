"""A recorded scenario: places filled in every slot, the road-side units, and the area; its file, and its split in time."""

from __future__ import annotations

import importlib.resources
import os
import struct
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from edgewise.common.errors import ConfigurationError, check_range
from edgewise.common.tables import TraceError

FORMAT = "edgewise-mobility-1"
SHIPPED = "grid.npz"
KINDS = {
    "positions": "f",
    "handover": "b",
    "rsu_positions": "f",
    "roads": "f",
    "numbers": "f",
    "source": "U",
    "format": "U",
}
NUMBERS = ("slot_seconds", "coverage_m", "origin_x", "origin_y", "area_m", "window_start", "window_end")
UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, OverflowError, struct.error, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class MobilityScenario:
    """Recorded trajectories made ready for the environment.

    A place is a sequence of vehicles: when one leaves, another takes the place over.

    Attributes:
        positions: coordinates of the vehicle in each place at each slot, m, [L, P, 2].
        handover: slots in which a place has passed to another vehicle, [L, P].
        slot_seconds: time between two slots, s.
        rsu_positions: road-side units, m, [S, 2].
        coverage_m: coverage radius of a road-side unit, m.
        origin_m: lower left corner of the smallest square round all positions, centred on them, m.
        area_m: side of that square, m.
        source: name of the recording.
        window: recorded time of the first and the last slot, s.
        roads: recorded positions thinned to a drawing of the roads, m, [N, 2].
    """

    positions: Float32[np.ndarray, "l p 2"]
    handover: Bool[np.ndarray, "l p"]
    slot_seconds: float
    rsu_positions: Float32[np.ndarray, "s 2"]
    coverage_m: float
    origin_m: tuple[float, float]
    area_m: float
    source: str
    window: tuple[float, float]
    roads: Float32[np.ndarray, "n 2"]

    def __post_init__(self) -> None:
        slots, places = self.positions.shape[:2]
        for name, shape in (
            ("positions", (slots, places, 2)),
            ("handover", (slots, places)),
            ("rsu_positions", (len(self.rsu_positions), 2)),
            ("roads", (len(self.roads), 2)),
        ):
            value = getattr(self, name)
            if value.shape != shape or (name != "roads" and value.size == 0):
                raise ConfigurationError(f"shape of {name}", value.shape, f"{shape}, not empty")
            if not np.isfinite(value).all():
                raise ConfigurationError(name, "...", "finite everywhere")
        for name in ("slot_seconds", "coverage_m", "area_m"):
            check_range(name, getattr(self, name), 0, open_low=True)
        check_range("origin_m", self.origin_m)
        check_range("window", self.window)
        seconds = (slots - 1) * self.slot_seconds
        if abs(self.window[1] - self.window[0] - seconds) > 1e-6 * max(seconds, abs(self.window[1])):
            raise ConfigurationError("window", self.window, f"{seconds:g} s long, as {slots} slots are")

    @property
    def slots(self) -> int:
        """Number of slots L; an episode of n slots needs n + 1 of them."""
        return self.positions.shape[0]

    @property
    def places(self) -> int:
        """Number of places P, the most vehicles an episode can have."""
        return self.positions.shape[1]

    @property
    def rsus(self) -> int:
        """Number of road-side units S."""
        return self.rsu_positions.shape[0]


def save_scenario(path: str | os.PathLike[str], scenario: MobilityScenario) -> Path:
    """Write a scenario as .npz (arrays only, no code), whole or not at all.

    Args:
        path: the file to write, under exactly this name.
        scenario: what to write.

    Returns:
        The path.

    Raises:
        TraceError: if the file cannot be written.
    """
    path = Path(path)
    numbers = (
        scenario.slot_seconds, scenario.coverage_m, *scenario.origin_m, scenario.area_m, *scenario.window,
    )  # fmt: skip
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez_compressed(
                    file,
                    positions=scenario.positions,
                    handover=scenario.handover,
                    rsu_positions=scenario.rsu_positions,
                    roads=scenario.roads,
                    numbers=np.asarray(numbers, dtype=float),
                    source=np.asarray(scenario.source),
                    format=np.asarray(FORMAT),
                )
            os.chmod(name, 0o644)
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise TraceError(path, f"cannot be written: {error.strerror or error}") from None
    return path


def load_scenario(path: str | os.PathLike[str]) -> MobilityScenario:
    """Read a file that `save_scenario` wrote.

    Raises:
        TraceError: if the file is missing, damaged, or not a scenario.
    """
    path = Path(path)
    try:
        with np.load(path) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("not an archive")
            arrays = {name: np.asarray(file[name]) for name in KINDS}
    except FileNotFoundError:
        raise TraceError(path, "no such file") from None
    except UNREADABLE as error:
        raise TraceError(path, f"not a readable mobility scenario ({error})") from None
    for name, kind in KINDS.items():
        if arrays[name].dtype.kind != kind:
            raise TraceError(path, f"{name}: of type {arrays[name].dtype}, not a mobility scenario")
    if arrays["format"].shape != () or str(arrays["format"]) != FORMAT:
        raise TraceError(path, f"format = {str(arrays['format'])[:40]!r}: must be {FORMAT!r}")
    if arrays["numbers"].shape != (len(NUMBERS),):
        raise TraceError(path, f"numbers: {arrays['numbers'].shape}, must be {len(NUMBERS)} numbers")
    if arrays["positions"].ndim != 3 or arrays["rsu_positions"].ndim != 2 or arrays["roads"].ndim != 2:
        raise TraceError(path, "positions, rsu_positions or roads: not of 3, 2 and 2 dimensions")
    number = dict(zip(NUMBERS, map(float, arrays["numbers"]), strict=True))
    try:
        return MobilityScenario(
            positions=arrays["positions"].astype(np.float32),
            handover=arrays["handover"],
            slot_seconds=number["slot_seconds"],
            rsu_positions=arrays["rsu_positions"].astype(np.float32),
            coverage_m=number["coverage_m"],
            origin_m=(number["origin_x"], number["origin_y"]),
            area_m=number["area_m"],
            source=str(arrays["source"]),
            window=(number["window_start"], number["window_end"]),
            roads=arrays["roads"].astype(np.float32),
        )
    except ConfigurationError as error:
        raise TraceError(path, str(error)) from None


def shipped_scenario() -> MobilityScenario:
    """The scenario inside the package: an hour of traffic on a generated grid of streets (see docs/bring-your-own-trace)."""
    file = importlib.resources.files("edgewise.systems.agent_migration") / "data" / SHIPPED
    with importlib.resources.as_file(file) as path:
        return load_scenario(path)


def split_in_time(scenario: MobilityScenario, fraction: float) -> tuple[MobilityScenario, MobilityScenario]:
    """Cut a scenario in two that share no slot, to train on the earlier part and judge on the later one.

    Road-side units, coverage and area stay those of the whole, so that an observation means the same in both.

    Args:
        scenario: the whole.
        fraction: part of the slots that goes to the earlier one, in (0, 1).

    Returns:
        The earlier and the later part.

    Raises:
        ConfigurationError: if a part would have fewer than two slots.
    """
    check_range("fraction", fraction, 0, 1, open_low=True, open_high=True)
    cut = round(fraction * scenario.slots)
    if min(cut, scenario.slots - cut) < 2:
        raise ConfigurationError(
            "fraction", fraction, f"such that both parts of the {scenario.slots} slots have two or more"
        )
    return _slots(scenario, 0, cut), _slots(scenario, cut, scenario.slots)


def _slots(scenario: MobilityScenario, start: int, stop: int) -> MobilityScenario:
    handover = scenario.handover[start:stop].copy()
    handover[0] = False
    first = scenario.window[0]
    window = (first + start * scenario.slot_seconds, first + (stop - 1) * scenario.slot_seconds)
    return replace(scenario, positions=scenario.positions[start:stop], handover=handover, window=window)

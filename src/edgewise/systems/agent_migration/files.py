"""Files of recorded scenarios, and the one that comes with the package."""

from __future__ import annotations

import importlib.resources
import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from edgewise.common.errors import ConfigurationError
from edgewise.common.files import replace_file
from edgewise.common.tables import TraceError
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario

SUFFIX = ".npz"
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
REFERENCE = "reference_deg"
"""In a file whose positions were projected from degrees."""
NUMBERS = ("slot_seconds", "coverage_m", "origin_x", "origin_y", "area_m", "window_start", "window_end")
UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, OverflowError, struct.error, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip


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
    arrays: dict[str, np.ndarray] = {
        "positions": scenario.positions,
        "handover": scenario.handover,
        "rsu_positions": scenario.rsu_positions,
        "roads": scenario.roads,
        "numbers": np.asarray(numbers, dtype=float),
        "source": np.asarray(scenario.source),
        "format": np.asarray(FORMAT),
    }
    if scenario.reference_deg is not None:
        arrays[REFERENCE] = np.asarray(scenario.reference_deg, dtype=float)
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    try:
        replace_file(path, content.getvalue())
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
            arrays = {name: np.asarray(file[name]) for name in (*KINDS, *({REFERENCE} & set(file.files)))}
    except FileNotFoundError:
        raise TraceError(path, "no such file") from None
    except zipfile.BadZipFile:
        raise TraceError(path, "damaged or cut off, or no prepared recording") from None
    except UNREADABLE:
        raise TraceError(
            path, "no prepared recording; prepare it with: edgewise mobility import FILE --output NAME.npz"
        ) from None
    _check_arrays(path, arrays)
    number = dict(zip(NUMBERS, map(float, arrays["numbers"]), strict=True))
    reference = arrays.get(REFERENCE)
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
            reference_deg=None if reference is None else (float(reference[0]), float(reference[1])),
        )
    except ConfigurationError as error:
        raise TraceError(path, str(error)) from None


def _check_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    for name, kind in KINDS.items():
        if arrays[name].dtype.kind != kind:
            raise TraceError(path, f"{name}: of type {arrays[name].dtype}, not a mobility scenario")
    if arrays["format"].shape != () or str(arrays["format"]) != FORMAT:
        raise TraceError(path, f"format = {str(arrays['format'])[:40]!r}: must be {FORMAT!r}")
    if arrays["numbers"].shape != (len(NUMBERS),):
        raise TraceError(path, f"numbers: {arrays['numbers'].shape}, must be {len(NUMBERS)} numbers")
    if arrays["positions"].ndim != 3 or arrays["rsu_positions"].ndim != 2 or arrays["roads"].ndim != 2:
        raise TraceError(path, "positions, rsu_positions or roads: not of 3, 2 and 2 dimensions")
    if REFERENCE in arrays and (arrays[REFERENCE].shape, arrays[REFERENCE].dtype.kind) != ((2,), "f"):
        raise TraceError(path, f"{REFERENCE}: must be two numbers")


def shipped_scenario() -> MobilityScenario:
    """The scenario inside the package: an hour of traffic on a generated grid of streets (see docs/bring-your-own-trace)."""
    file = importlib.resources.files(__package__) / "data" / SHIPPED
    with importlib.resources.as_file(file) as path:
        return load_scenario(path)


def find_scenario(name: str) -> MobilityScenario:
    """The scenario that `AgentMigrationConfig.mobility` names: "grid", or a file.

    Raises:
        TraceError: if the file is missing, damaged, or not a scenario.
    """
    return shipped_scenario() if name == "grid" else load_scenario(name)

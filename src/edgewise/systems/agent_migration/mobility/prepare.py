"""From recorded trajectories to a scenario: slots, places that are never empty, and road-side units."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32
from scipy.spatial import cKDTree

from edgewise.common.errors import ConfigurationError, check_integer, check_range
from edgewise.common.tables import TraceError
from edgewise.systems.agent_migration.mobility.places import TIME_TOLERANCE, fill_places, longest_window, resample
from edgewise.systems.agent_migration.mobility.plausible import plausible
from edgewise.systems.agent_migration.mobility.projection import project
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario
from edgewise.systems.agent_migration.mobility.trace import COLUMNS

COVERAGE_FACTOR = 1.7  # see `Preparation.coverage_m`
COVERAGE_PERCENTILE = 99.5
"""Per cent of positions that decide on the coverage, so that a few far ones do not."""
KMEANS_SAMPLES = 20_000  # positions; more move the centres by less than they are rounded
ROAD_CELLS = 150  # across a drawing of the roads: finer than a line of it


@dataclass(frozen=True)
class Preparation:
    """How a recording is made ready.

    Attributes:
        slot_seconds: time between two slots, s.
        window: first and last recorded time to use, s, cut to what was recorded. If None, the whole recording; or the
            longest part in which enough places are filled, if they are not in all of it.
        vehicles: vehicles of an episode: places that there must be at least.
        places: places to keep at most; an episode draws its vehicles from them.
        rsus: road-side units that k-means places on the recorded positions; no effect with `rsu_positions`.
        rsu_positions: road-side units placed by hand instead, m (longitude and latitude, if positions are given so).
        coverage_m: coverage radius, m. If None, 1.7 times the distance to the nearest road-side unit within which 99.5 % of
            the positions lie (the default system: 1200 m, with corners 707 m from the nearest).
        minimum_slots: a vehicle takes a place only if it stays that many slots, or to the end of the window.
        maximum_gap_s: records farther apart than this are not joined, s. If None, two slots or three times the median time
            between records, whichever is longer.
        seed: the seed of the choice of vehicles and of k-means.
    """

    slot_seconds: float = 30.0
    window: tuple[float, float] | None = None
    vehicles: int = 8
    places: int = 64
    rsus: int = 4
    rsu_positions: tuple[tuple[float, float], ...] | None = None
    coverage_m: float | None = None
    minimum_slots: int = 4
    maximum_gap_s: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("slot_seconds", self.slot_seconds, 0, open_low=True)
        check_integer("vehicles", self.vehicles, 1)
        check_integer("places", self.places, self.vehicles)
        check_integer("minimum_slots", self.minimum_slots, 1)
        check_integer("seed", self.seed, 0, 2**32 - 1)
        check_integer("rsus", self.rsus, 1)
        for name in ("coverage_m", "maximum_gap_s"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), 0, open_low=True)
        if self.window is not None:
            check_range("window", self.window)
            if self.window[0] > self.window[1]:
                raise ConfigurationError("window", self.window, "(first, last) with first <= last, s")
        if self.rsu_positions is not None:
            check_range("rsu_positions", self.rsu_positions)
            if np.ndim(self.rsu_positions) != 2 or np.shape(self.rsu_positions)[1:] != (2,):
                raise ConfigurationError("rsu_positions", self.rsu_positions, "one or more pairs (x, y) in m")


def prepare_scenario(
    trace: pd.DataFrame,
    options: Preparation = Preparation(),
    tell: Callable[[str], None] = warnings.warn,
) -> MobilityScenario:
    """Make a scenario from recorded trajectories.

    Vehicles are interpolated to slots between their own records, never beyond them and never across a long gap. Fixes to
    which no vehicle drives are left out. Places are then filled slot by slot (`fill_places`). The square area is centred on
    the bounding box of places and road-side units.

    Args:
        trace: as `read_trace` returns it.
        options: how the recording is prepared.
        tell: called with a line on what was left out, chosen, or is unusual.

    Returns:
        The scenario.

    Raises:
        TraceError: if the trace lacks a column, its units cannot be m and s, the window holds no record or no two slots, or
            too few places can be filled in every slot.
    """
    source = str(trace.attrs.get("source", "trace"))
    reference = trace.attrs.get("reference_deg")
    records = plausible(_records(trace, source), source, tell)
    start, slots, positions, handover = _places(records, source, options, tell)
    end = start + (slots - 1) * options.slot_seconds
    recorded = np.stack([records["x"], records["y"]], axis=1)[(records["time"] >= start) & (records["time"] <= end)]
    units = _units(recorded if len(recorded) else positions.reshape(-1, 2), options, reference)
    coverage_m = options.coverage_m
    if coverage_m is None:
        coverage_m = default_coverage(positions.reshape(-1, 2), units)
    hull = np.concatenate([positions.reshape(-1, 2), units])
    low, high = hull.min(0), hull.max(0)
    side = max(float(np.ceil((high - low).max())), 1.0)
    origin = (low + high - side) / 2
    return MobilityScenario(
        positions=positions.astype(np.float32),
        handover=handover,
        slot_seconds=float(options.slot_seconds),
        rsu_positions=units.astype(np.float32),
        coverage_m=float(coverage_m),
        origin_m=(float(origin[0]), float(origin[1])),
        area_m=side,
        source=source,
        window=(start, end),
        roads=_roads(recorded),
        reference_deg=reference,
    )


def place_rsus(positions: Float[np.ndarray, "n 2"], rsus: int, seed: int) -> Float[np.ndarray, "s 2"]:
    """Road-side units at the k-means centres of recorded positions, to 0.1 m, from the lowest y to the highest.

    Args:
        positions: m; a sample of them is used where they are many.
        rsus: number of units S.
        seed: the seed of the sample and of k-means.

    Raises:
        ConfigurationError: if there are fewer different positions than units.
    """
    from sklearn.cluster import KMeans  # takes a second to load

    if len(positions) > KMEANS_SAMPLES:
        positions = positions[
            np.sort(np.random.default_rng(seed).choice(len(positions), KMEANS_SAMPLES, replace=False))
        ]
    distinct = len(np.unique(positions, axis=0))
    check_integer("rsus", rsus, 1)
    if distinct < rsus:
        raise ConfigurationError("rsus", rsus, f"at most {distinct}, the number of different recorded positions")
    centres = KMeans(n_clusters=rsus, n_init=4, random_state=seed).fit(positions).cluster_centers_
    centres = np.round(centres, 1)
    return np.asarray(centres[np.lexsort((centres[:, 0], centres[:, 1]))])


def default_coverage(positions: Float[np.ndarray, "n 2"], units: Float[np.ndarray, "s 2"]) -> float:
    """Coverage radius in m: 1.7 times the 99.5th percentile of the distance to the nearest unit, and at least 1 m."""
    nearest = cKDTree(units).query(positions)[0]
    return max(float(np.ceil(COVERAGE_FACTOR * np.percentile(nearest, COVERAGE_PERCENTILE))), 1.0)


def _records(trace: pd.DataFrame, source: str) -> np.ndarray:
    missing = [name for name in COLUMNS if name not in trace.columns]
    if missing:
        raise TraceError(source, f"{missing[0]}: no such column among {', '.join(map(str, trace.columns))}")
    if not len(trace):
        raise TraceError(source, "has no position of any vehicle")
    columns = [("row", int), ("vehicle", int), ("time", float), ("x", float), ("y", float)]
    records = np.zeros(len(trace), dtype=columns)
    records["row"] = trace["row"] if "row" in trace.columns else np.arange(1, len(trace) + 1)
    records["vehicle"] = pd.factorize(trace["vehicle_id"], sort=True)[0]
    for field, name in (("time", "time_s"), ("x", "x_m"), ("y", "y_m")):
        records[field] = trace[name]
        if not np.isfinite(records[field]).all():
            raise TraceError(source, f"{name}: must be finite everywhere")
    records = records[np.lexsort((records["time"], records["vehicle"]))]
    again = np.flatnonzero((np.diff(records["vehicle"]) == 0) & (np.diff(records["time"]) == 0))
    if len(again):
        row, time = records["row"][again[0] + 1], records["time"][again[0] + 1]
        raise TraceError(source, f"time_s = {time:g}: repeats the time of its vehicle", row=int(row))
    return records


def _places(
    records: np.ndarray, source: str, options: Preparation, tell: Callable[[str], None]
) -> tuple[float, int, Float[np.ndarray, "l p 2"], np.ndarray]:
    """Time of the first slot, number of slots, and the places of `fill_places` in the window that holds enough of them."""
    slot_seconds, vehicles = options.slot_seconds, options.vehicles
    how = options.places, options.minimum_slots, options.seed
    start, slots = _grid(records, source, slot_seconds, options.window)
    passages = resample(records, start, slots, slot_seconds, options.maximum_gap_s)
    positions, handover = fill_places(passages, slots, *how)
    if positions.shape[1] >= vehicles:
        return start, slots, positions, handover
    if options.window is not None:
        begin, count = _grid(records, source, slot_seconds, None)
        found = longest_window(
            resample(records, begin, count, slot_seconds, options.maximum_gap_s), count, vehicles, *how
        )
    else:
        begin, found = start, longest_window(passages, slots, vehicles, *how)
    few = f"vehicle_id: {positions.shape[1]} places are filled in all {slots} slots of {slot_seconds:g} s from {start:g} s on"
    if found is None:
        most = np.unique(records["vehicle"]).size
        at_once = int(passages.present(slots).max())
        raise TraceError(
            source,
            f"{few} by {most} vehicles, of which at most {at_once} are present at a time, {vehicles} are wanted: choose fewer "
            "vehicles, shorter slots or a lower minimum_slots",
        )
    first, last = (begin + slot_seconds * slot for slot in found)
    if options.window is not None:
        raise TraceError(
            source,
            f"{few}, {vehicles} are wanted: choose another window, the longest one is: --window {first:.12g} {last:.12g}",
        )
    tell(
        f"{source}: window from {first:.12g} to {last:.12g} s, the longest in which {vehicles} places are filled, of the "
        f"{slot_seconds * (slots - 1):g} s from {start:.12g} s on"
    )
    slots = found[1] - found[0] + 1
    passages = resample(records, first, slots, slot_seconds, options.maximum_gap_s)
    return first, slots, *fill_places(passages, slots, *how)


def _grid(
    records: np.ndarray, source: str, slot_seconds: float, window: tuple[float, float] | None
) -> tuple[float, int]:
    low, high = float(records["time"].min()), float(records["time"].max())
    start, end = (low, high) if window is None else map(float, window)
    if end < low or start > high:
        raise TraceError(
            source, f"window = ({start:g}, {end:g}): empty, the recording lasts from {low:g} to {high:g} s"
        )
    start, end = max(start, low), min(end, high)
    slots = math.floor((end - start) / slot_seconds + TIME_TOLERANCE) + 1
    if slots < 2:
        raise TraceError(source, f"window = ({start:g}, {end:g}): shorter than one slot of {slot_seconds:g} s")
    return start, slots


def _units(
    recorded: Float[np.ndarray, "n 2"], options: Preparation, reference: tuple[float, float] | None
) -> Float[np.ndarray, "s 2"]:
    if options.rsu_positions is None:
        return place_rsus(recorded, options.rsus, options.seed)
    units = np.asarray(options.rsu_positions, dtype=float)
    return units if reference is None else np.stack(project(units[:, 0], units[:, 1], reference), axis=1)


def _roads(recorded: Float[np.ndarray, "n 2"]) -> Float32[np.ndarray, "r 2"]:
    if not len(recorded):
        return np.zeros((0, 2), dtype=np.float32)
    cell = max(float(np.ptp(recorded, axis=0).max()) / ROAD_CELLS, 1.0)
    _, one = np.unique(np.floor(recorded / cell).astype(int), axis=0, return_index=True)
    return recorded[np.sort(one)].round(1).astype(np.float32)

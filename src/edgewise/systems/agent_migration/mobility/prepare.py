"""From recorded trajectories to a scenario: slots, places that are never empty, and road-side units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32, Int
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from sklearn.cluster import KMeans

from edgewise.common.errors import ConfigurationError, check_integer, check_range
from edgewise.common.tables import TraceError
from edgewise.systems.agent_migration.mobility.scenario import MobilityScenario
from edgewise.systems.agent_migration.mobility.trace import COLUMNS

COVERAGE_FACTOR = 1.7
COVERAGE_PERCENTILE = 99.5
MEDIAN_GAPS = 3.0
KMEANS_SAMPLES = 20_000
ROAD_CELLS = 150
TIME_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Passages:
    """Uninterrupted stays of vehicles in the window, on slots.

    Attributes:
        first: slot in which each stay begins.
        last: slot in which it ends, included.
        start: row of `points` that belongs to the first slot.
        points: coordinates slot by slot, stay after stay, m.
    """

    first: Int[np.ndarray, " n"]
    last: Int[np.ndarray, " n"]
    start: Int[np.ndarray, " n"]
    points: Float[np.ndarray, "r 2"]

    def at(self, stays: Int[np.ndarray, " k"], slot: int) -> Float[np.ndarray, "k 2"]:
        """Coordinates of the given stays in a slot in which all of them are present."""
        return self.points[self.start[stays] + slot - self.first[stays]]


def prepare_scenario(
    trace: pd.DataFrame,
    *,
    slot_seconds: float = 30.0,
    window: tuple[float, float] | None = None,
    vehicles: int = 8,
    places: int = 64,
    rsus: int = 4,
    rsu_positions: Sequence[tuple[float, float]] | None = None,
    coverage_m: float | None = None,
    minimum_slots: int = 4,
    maximum_gap_s: float | None = None,
    seed: int = 0,
) -> MobilityScenario:
    """Make a scenario from recorded trajectories.

    Vehicles are interpolated to slots between their own records, never beyond them and never across a long gap. Places
    are then filled slot by slot (`fill_places`). The square area is centred on the bounding box of places and road-side
    units.

    Args:
        trace: as `read_trace` returns it.
        slot_seconds: time between two slots, s.
        window: first and last recorded time to use, s, cut to what was recorded; none takes all of it.
        vehicles: places that there must be at least: the vehicles of an episode.
        places: places to keep at most; an episode draws its vehicles from them.
        rsus: number of road-side units that k-means places on the recorded positions; no effect with `rsu_positions`.
        rsu_positions: road-side units placed by hand, m.
        coverage_m: coverage radius, m; none takes 1.7 times the distance to the nearest road-side unit within which
            99.5 % of the positions lie (the default system: 1200 m, with corners 707 m from the nearest).
        minimum_slots: a vehicle takes a place only if it stays that many slots, or to the end of the window.
        maximum_gap_s: records farther apart than this are not joined, s; none takes two slots or three times the median
            time between records, whichever is longer.
        seed: of the choice of vehicles and of k-means.

    Returns:
        The scenario.

    Raises:
        ConfigurationError: if an argument is not allowed.
        TraceError: if the trace lacks a column, the window holds no record or no two slots, or too few places can be
            filled in every slot.
    """
    check_range("slot_seconds", slot_seconds, 0, open_low=True)
    check_integer("vehicles", vehicles, 1)
    check_integer("places", places, vehicles)
    check_integer("minimum_slots", minimum_slots, 1)
    check_integer("seed", seed, 0, 2**32 - 1)
    check_integer("rsus", rsus, 1)
    if coverage_m is not None:
        check_range("coverage_m", coverage_m, 0, open_low=True)
    if maximum_gap_s is not None:
        check_range("maximum_gap_s", maximum_gap_s, 0, open_low=True)
    source = str(trace.attrs.get("source", "trace"))
    records = _records(trace, source)
    start, slots = _grid(records, source, slot_seconds, window)
    passages = resample(records, start, slots, slot_seconds, maximum_gap_s)
    positions, handover = fill_places(passages, slots, places, minimum_slots, seed)
    if positions.shape[1] < vehicles:
        most = np.bincount(records["vehicle"]).size
        raise TraceError(
            source,
            f"vehicle_id: {most} vehicles fill {positions.shape[1]} places in all {slots} slots of {slot_seconds:g} s from "
            f"{start:g} s on, {vehicles} are wanted: choose another window, fewer vehicles or a lower minimum_slots",
        )
    within = (records["time"] >= start) & (records["time"] <= start + (slots - 1) * slot_seconds)
    recorded = np.stack([records["x"], records["y"]], axis=1)[within]
    units = _units(recorded if len(recorded) else passages.points, rsus, rsu_positions, seed)
    if coverage_m is None:
        coverage_m = default_coverage(positions.reshape(-1, 2), units)
    hull = np.concatenate([positions.reshape(-1, 2), units])
    low, high = hull.min(0), hull.max(0)
    side = max(float(np.ceil((high - low).max())), 1.0)
    origin = (low + high - side) / 2
    return MobilityScenario(
        positions=positions.astype(np.float32),
        handover=handover,
        slot_seconds=float(slot_seconds),
        rsu_positions=units.astype(np.float32),
        coverage_m=float(coverage_m),
        origin_m=(float(origin[0]), float(origin[1])),
        area_m=side,
        source=source,
        window=(start, start + (slots - 1) * slot_seconds),
        roads=_roads(recorded),
    )


def resample(
    records: np.ndarray, start: float, slots: int, slot_seconds: float, maximum_gap_s: float | None = None
) -> Passages:
    """Interpolate recorded trajectories linearly to slots.

    Args:
        records: structured array with `vehicle` (a number), `time`, `x` and `y`, sorted by vehicle and time.
        start: time of the first slot, s.
        slots: number of slots.
        slot_seconds: time between two slots, s.
        maximum_gap_s: as for `prepare_scenario`.

    Returns:
        The stays that hold at least one slot.
    """
    step = np.diff(records["time"])
    same = np.diff(records["vehicle"]) == 0
    if maximum_gap_s is None:
        usual = float(np.median(step[same])) if same.any() else 0.0
        maximum_gap_s = max(2 * slot_seconds, MEDIAN_GAPS * usual)
    begins = np.concatenate([[0], 1 + np.flatnonzero(~same | (step > maximum_gap_s))])
    ends = np.concatenate([begins[1:], [len(records)]])
    first = np.ceil((records["time"][begins] - start) / slot_seconds - TIME_TOLERANCE).astype(int).clip(0)
    last = (
        np.floor((records["time"][ends - 1] - start) / slot_seconds + TIME_TOLERANCE).astype(int).clip(None, slots - 1)
    )
    kept = np.flatnonzero(first <= last)
    points = [np.zeros((0, 2))]
    for stay in kept:
        rows = records[begins[stay] : ends[stay]]
        times = start + slot_seconds * np.arange(first[stay], last[stay] + 1)
        points.append(np.stack([np.interp(times, rows["time"], rows[axis]) for axis in ("x", "y")], axis=1))
    length = (last - first + 1)[kept]
    return Passages(first[kept], last[kept], np.cumsum(length) - length, np.concatenate(points))


def fill_places(
    passages: Passages, slots: int, limit: int, minimum_slots: int, seed: int
) -> tuple[Float[np.ndarray, "l p 2"], Bool[np.ndarray, "l p"]]:
    """Chain stays into places that have a vehicle in every slot.

    The vehicles present in the first slot open the places, drawn by chance if there are more than `limit`. A vehicle
    keeps its place until it leaves. In the slot after, the place goes to a vehicle that is present and has had none yet;
    of all pairings of abandoned places with such vehicles the one with the least total distance is taken, so that a place
    stays in its part of the town. A place for which no vehicle is left is given up. A vehicle counts only if it stays
    `minimum_slots` from then on, or to the end.

    Args:
        passages: the stays.
        slots: number of slots L.
        limit: places to open at most.
        minimum_slots: least stay, in slots.
        seed: of the draw.

    Returns:
        Coordinates in m, [L, P, 2], and the slots in which a place has passed to another vehicle, [L, P].
    """
    positions = np.zeros((slots, 0, 2))
    handover = np.zeros((slots, 0), dtype=bool)
    free = np.ones(len(passages.first), dtype=bool)
    holder = np.zeros(0, dtype=int)
    for slot in range(slots):
        staying = np.minimum(slot + minimum_slots, slots) - 1
        candidates = np.flatnonzero(free & (passages.first <= slot) & (passages.last >= staying))
        if slot == 0:
            holder = np.sort(np.random.default_rng(seed).permutation(candidates)[:limit])
            positions = np.zeros((slots, len(holder), 2))
            handover = np.zeros((slots, len(holder)), dtype=bool)
            free[holder] = False
        abandoned = np.flatnonzero(passages.last[holder] < slot)
        if len(abandoned):
            jump = np.linalg.norm(
                positions[slot - 1, abandoned][:, None] - passages.at(candidates, slot)[None], axis=-1
            )
            row, column = linear_sum_assignment(jump)
            holder[abandoned[row]] = candidates[column]
            handover[slot, abandoned[row]] = True
            free[candidates[column]] = False
            given_up = np.setdiff1d(abandoned, abandoned[row])
            positions, handover = np.delete(positions, given_up, axis=1), np.delete(handover, given_up, axis=1)
            holder = np.delete(holder, given_up)
        positions[slot] = passages.at(holder, slot)
    return positions, handover


def place_rsus(positions: Float[np.ndarray, "n 2"], rsus: int, seed: int) -> Float[np.ndarray, "s 2"]:
    """Road-side units at the k-means centres of recorded positions, to 0.1 m, from the lowest y to the highest.

    Args:
        positions: m; a sample of them is used where they are many.
        rsus: number of units S.
        seed: of the sample and of k-means.

    Raises:
        ConfigurationError: if there are fewer different positions than units.
    """
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
    records = np.zeros(len(trace), dtype=[("vehicle", int), ("time", float), ("x", float), ("y", float)])
    records["vehicle"] = pd.factorize(trace["vehicle_id"], sort=True)[0]
    for field, name in (("time", "time_s"), ("x", "x_m"), ("y", "y_m")):
        records[field] = trace[name]
        if not np.isfinite(records[field]).all():
            raise TraceError(source, f"{name}: must be finite everywhere")
    return records[np.lexsort((records["time"], records["vehicle"]))]


def _grid(
    records: np.ndarray, source: str, slot_seconds: float, window: tuple[float, float] | None
) -> tuple[float, int]:
    low, high = float(records["time"].min()), float(records["time"].max())
    if window is None:
        start, end = low, high
    else:
        check_range("window", window)
        start, end = map(float, window)
        if start > end:
            raise ConfigurationError("window", window, "(first, last) with first <= last, s")
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
    recorded: Float[np.ndarray, "n 2"], rsus: int, chosen: Sequence[tuple[float, float]] | None, seed: int
) -> Float[np.ndarray, "s 2"]:
    if chosen is None:
        return place_rsus(recorded, rsus, seed)
    check_range("rsu_positions", chosen)
    units = np.asarray(chosen, dtype=float)
    if units.ndim != 2 or units.shape[1] != 2 or not len(units):
        raise ConfigurationError("rsu_positions", chosen, "one or more pairs (x, y) in m")
    return units


def _roads(recorded: Float[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 2"]:
    if not len(recorded):
        return np.zeros((0, 2), dtype=np.float32)
    cell = max(float(np.ptp(recorded, axis=0).max()) / ROAD_CELLS, 1.0)
    _, one = np.unique(np.floor(recorded / cell).astype(int), axis=0, return_index=True)
    return recorded[np.sort(one)].round(1).astype(np.float32)

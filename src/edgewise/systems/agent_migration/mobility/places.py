"""Places that have a vehicle in every slot: trajectories on slots, chained where a vehicle leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

MEDIAN_GAPS = 3.0  # usual times between records that may be missing within a stay
TIME_TOLERANCE = 1e-6  # of a slot, for times that are sums of fractions
WINDOW_STARTS = 64
"""Starts that are tried in a stretch of the recording in which enough vehicles are present."""


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

    def cut(self, first: int, last: int) -> Passages:
        """What of the stays falls into the slots from `first` to `last`, counted from `first` on."""
        inside = (self.first <= last) & (self.last >= first)
        skipped = np.maximum(first - self.first[inside], 0)
        return Passages(
            first=np.maximum(self.first[inside] - first, 0),
            last=np.minimum(self.last[inside], last) - first,
            start=self.start[inside] + skipped,
            points=self.points,
        )

    def present(self, slots: int) -> Int[np.ndarray, " l"]:
        """How many vehicles are present in each slot."""
        change = np.zeros(slots + 1, dtype=int)
        np.add.at(change, self.first, 1)
        np.add.at(change, self.last + 1, -1)
        return np.cumsum(change)[:slots]


def resample(
    records: np.ndarray, start: float, slots: int, slot_seconds: float, maximum_gap_s: float | None = None
) -> Passages:
    """Interpolate recorded trajectories linearly to slots.

    Args:
        records: structured array with `vehicle` (a number), `time`, `x` and `y`, sorted by vehicle and time.
        start: time of the first slot, s.
        slots: number of slots.
        slot_seconds: time between two slots, s.
        maximum_gap_s: as in `Preparation`.

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
    passages: Passages, slots: int, limit: int, minimum_slots: int, seed: int, least: int = 0
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
        seed: the seed of the draw.
        least: end with the last slot in which that many places are filled.

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
        if len(holder) < least:
            return positions[:slot], handover[:slot]
        positions[slot] = passages.at(holder, slot)
    return positions, handover


def longest_window(
    passages: Passages, slots: int, vehicles: int, limit: int, minimum_slots: int, seed: int
) -> tuple[int, int] | None:
    """The longest run of slots in which `fill_places` fills enough places.

    Only runs in which enough vehicles are present can be such; in each of them up to 64 evenly spaced starts are tried, so
    that the window is the longest there is up to a 64th of the run.

    Args:
        passages: the stays.
        slots: number of slots L of the recording.
        vehicles: places that must be filled in every slot.
        limit: as for `fill_places`.
        minimum_slots: as for `fill_places`.
        seed: as for `fill_places`.

    Returns:
        First and last slot, or None if no two slots in a row have that many places.
    """
    enough = np.concatenate([[False], passages.present(slots) >= vehicles, [False]])
    begins: list[int] = np.flatnonzero(enough[1:] & ~enough[:-1]).tolist()
    ends: list[int] = np.flatnonzero(~enough[1:] & enough[:-1]).tolist()
    best: tuple[int, int] | None = None
    for begin, end in sorted(((b, e - 1) for b, e in zip(begins, ends, strict=True)), key=lambda run: run[0] - run[1]):
        for first in range(begin, end, max((end - begin) // WINDOW_STARTS, 1)):
            least = first + 1 if best is None else first + best[1] - best[0] + 1
            last = end
            while last >= least:
                reached = _filled_until(
                    passages.cut(first, last), last - first + 1, vehicles, limit, minimum_slots, seed
                )
                if reached == last - first:
                    best = first, last
                    break
                last = min(last - 1, first + reached + minimum_slots)  # an earlier end lets shorter stays count
    return best


def _filled_until(passages: Passages, slots: int, vehicles: int, limit: int, minimum_slots: int, seed: int) -> int:
    """The last slot up to which enough places are filled; -1 if not even in the first."""
    positions, _ = fill_places(passages, slots, limit, minimum_slots, seed, least=vehicles)
    return len(positions) - 1

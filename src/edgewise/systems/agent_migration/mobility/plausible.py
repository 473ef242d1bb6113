"""Whether recorded positions can be those of vehicles: units, extents, and fixes to which no vehicle drives."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from edgewise.common.tables import TraceError

FASTEST = 70.0
"""m/s; 250 km/h."""
SLOWEST = 0.1
"""m/s; where even the fast vehicles of a recording do not reach this, units are wrong: degrees for metres, milliseconds for
seconds (each makes 30 m/s less than 0.05)."""
UNUSUAL = (1.5, 45.0)
"""m/s; fast vehicles outside of this are remarked on."""
SLACK_M = 30.0
"""Error of a fix that is no jump, m."""
SMALLEST_EXTENT_M = 10.0
"""Recordings whose area is smaller than this in both directions are refused, m: their units must be wrong."""
FAR = 50.0
"""Positions farther from the middle than this many times the distance within which three of four lie are wrong fixes ..."""
FAR_M = 50_000.0
"""... if they are also that far, m."""
WIDE_M = 300_000.0
"""Extent of a recording that is remarked on, m: no set of road-side units serves more."""
MOST_BAD = 0.2
"""Share of positions that may be wrong fixes; beyond it something else is wrong."""
NAMED_ROWS = 5
"""Rows with wrong fixes that a line names at most."""
DEGREES = "edgewise mobility import FILE --lonlat"
UNIT = "edgewise mobility import FILE --time-unit"


def plausible(records: np.ndarray, source: str, tell: Callable[[str], None]) -> np.ndarray:
    """Recorded positions without fixes to which no vehicle drives.

    Args:
        records: structured array with `row`, `vehicle` (a number), `time`, `x` and `y`, sorted by vehicle and time.
        source: name of the recording.
        tell: called with a line on what was left out or is unusual.

    Raises:
        TraceError: if speeds or extents show that units are wrong, or if more than a fifth of the positions are wrong fixes.
    """
    near = _near(records)
    _check_degrees_among_metres(records, source)
    kept = records[near]
    _check_units(kept, source, tell)
    kept = kept[_reached(kept)]
    bad = np.setdiff1d(records["row"], kept["row"])
    if len(bad) > MOST_BAD * len(records):
        raise TraceError(
            source,
            f"{len(bad)} of {len(records)} positions are so far from those before and after that no vehicle drives there "
            f"({FASTEST:g} m/s), the first in row {bad[0]}: are times in s, positions in m, and identities of one vehicle each?",
        )
    if len(bad):
        rows = ", ".join(str(row) for row in bad[:NAMED_ROWS]) + (", ..." if len(bad) > NAMED_ROWS else "")
        tell(
            f"{source}: {_positions(len(bad))} left out, to which no vehicle drives ({FASTEST:g} m/s): "
            f"row{'s' * (len(bad) > 1)} {rows}"
        )
    wide = max(float(np.ptp(kept["x"])), float(np.ptp(kept["y"])))
    if wide > WIDE_M:
        tell(f"{source}: positions lie up to {wide / 1000:,.0f} km apart, which is unusual: are all in m in one plane?")
    return kept


def speeds(records: np.ndarray) -> Float[np.ndarray, " n"]:
    """Speed of each step between two records of one vehicle, m/s."""
    step = _steps(records)
    return np.asarray(step["distance"][step["same"]] / step["time"][step["same"]])


def _positions(count: int) -> str:
    return f"{count} position{'s' * (count != 1)}"


def _steps(records: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "time": np.diff(records["time"]),
        "distance": np.hypot(np.diff(records["x"]), np.diff(records["y"])),
        "same": np.diff(records["vehicle"]) == 0,
    }


def _near(records: np.ndarray) -> Bool[np.ndarray, " n"]:
    """Where a position is not absurdly far from the middle of all."""
    x, y = records["x"], records["y"]
    distance = np.hypot(x - np.median(x), y - np.median(y))
    return np.asarray(distance <= max(FAR * float(np.percentile(distance, 75)), FAR_M))


def _check_degrees_among_metres(records: np.ndarray, source: str) -> None:
    """Refuse a recording of which more than a few positions are in degrees, and the others in metres far from the origin."""
    x, y = records["x"], records["y"]
    degrees = _like_degrees(x, y)
    if not MOST_BAD * len(records) < degrees.sum() < len(records):
        return
    others = records[~degrees]
    if np.hypot(np.median(others["x"]), np.median(others["y"])) > FAR_M:
        first = int(records["row"][degrees].min())
        raise TraceError(
            source,
            f"{degrees.sum()} of {len(records)} positions look like degrees, the others like metres: must be of one kind",
            row=first,
        )


def _like_degrees(x: np.ndarray, y: np.ndarray) -> Bool[np.ndarray, " n"]:
    return np.asarray((abs(x) <= 180) & (abs(y) <= 180))


def _check_units(records: np.ndarray, source: str, tell: Callable[[str], None]) -> None:
    x, y = records["x"], records["y"]
    degrees = bool((abs(x) <= 180).all() and (abs(y) <= 90).all())
    hint = f"; longitude and latitude in degrees are read by: {DEGREES}" if degrees else ""
    extent = max(float(np.ptp(x)), float(np.ptp(y)))
    if extent < SMALLEST_EXTENT_M:
        raise TraceError(source, f"x and y: all positions lie within {extent:.3g} m: must be metres in a plane{hint}")
    speed = np.sort(speeds(records))
    if not len(speed):
        return
    if float(np.median(speed[speed > 0], keepdims=False) if (speed > 0).any() else 0.0) > FASTEST:
        raise TraceError(
            source,
            f"vehicles drive {np.median(speed[speed > 0]):.3g} m/s: faster than any; times must be in s and positions in m",
        )
    spare = max(2, len(speed) // 100) if len(speed) >= 5 else 0  # a wrong fix makes two fast steps
    fast = float(speed[-1 - spare])
    if fast < SLOWEST:
        raise TraceError(
            source,
            f"no vehicle drives faster than {fast:.2g} m/s: times must be in s and positions in m{hint}; "
            f"times in ms are read by: {UNIT} ms",
        )
    if not UNUSUAL[0] <= fast <= UNUSUAL[1]:
        tell(f"{source}: the fast vehicles drive {fast:.2g} m/s, which is unusual: are times in s and positions in m?")


def _reached(records: np.ndarray) -> Bool[np.ndarray, " n"]:
    """Where a position belongs to the longest way that its vehicle can have driven."""
    step = _steps(records)
    jumps = step["same"] & (step["distance"] > FASTEST * step["time"] + SLACK_M)
    reached = np.ones(len(records), dtype=bool)
    if not jumps.any():
        return reached
    middle = np.median(records["x"]), np.median(records["y"])
    starts = np.concatenate([[0], 1 + np.flatnonzero(~step["same"]), [len(records)]])
    for begin, end in itertools.pairwise(starts):
        cuts = 1 + np.flatnonzero(jumps[begin : end - 1])
        if len(cuts):
            reached[begin:end] = _longest_way(records[begin:end], cuts, middle)
    return reached


def _longest_way(rows: np.ndarray, cuts: np.ndarray, middle: tuple[float, float]) -> Bool[np.ndarray, " n"]:
    """Of the stretches between jumps, the chain with most records of which each can be reached from the one before.

    Of equal chains, the one nearer to the middle of the recording is kept.
    """
    first = np.concatenate([[0], cuts])
    last = np.concatenate([cuts, [len(rows)]]) - 1
    away = np.hypot(rows["x"][first] - middle[0], rows["y"][first] - middle[1])
    worth = (last - first + 1) + 0.5 / (1 + away) / len(first)
    total, before = worth.copy(), np.full(len(first), -1)
    for stretch in range(1, len(first)):
        end, start = rows[last[:stretch]], rows[first[stretch]]
        distance = np.hypot(start["x"] - end["x"], start["y"] - end["y"])
        open_to = distance <= FASTEST * (start["time"] - end["time"]) + SLACK_M
        if open_to.any():
            best = int(np.argmax(np.where(open_to, total[:stretch], -np.inf)))
            total[stretch] += total[best]
            before[stretch] = best
    kept = np.zeros(len(rows), dtype=bool)
    stretch = int(np.argmax(total))
    while stretch >= 0:
        kept[first[stretch] : last[stretch] + 1] = True
        stretch = int(before[stretch])
    return kept

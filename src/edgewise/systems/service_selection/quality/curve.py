"""Quality against denoising steps: the piecewise linear curve of the D2SAC paper (sections 3.3 and 6), fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

SHORTEST = 1.0
"""Steps that a rise lasts at least: numbers of steps are whole."""
KNOTS = 40
"""Places that are tried for each end of the rise before the search begins at the best of them."""
INSIDE = 1e-6
"""A search with bounds begins inside of them."""


@dataclass(frozen=True)
class Curve:
    """Quality as it depends on the number of denoising steps: level, then linear, then level.

    Attributes:
        start_steps, start_score: A_x and A_y, where quality starts to rise.
        end_steps, end_score: B_x and B_y, where it is at its best.
    """

    start_steps: float
    start_score: float
    end_steps: float
    end_score: float

    def at(self, steps: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
        """Quality at numbers of steps."""
        share = np.clip((steps - self.start_steps) / (self.end_steps - self.start_steps), 0.0, 1.0)
        return np.asarray(self.start_score + share * (self.end_score - self.start_score))


def fit_curve(steps: Float[np.ndarray, " s"], scores: Float[np.ndarray, " s"]) -> Curve:
    """The curve of least squares.

    Its knots lie in the range of `steps`, its scores in [0, 1], and it does not fall. Scores that do not rise give a level
    curve over the whole range.

    Args:
        steps: numbers of steps, rising, two or more.
        scores: mean score at each, in [0, 1].
    """
    from scipy.optimize import least_squares

    first, last = float(steps[0]), float(steps[-1])
    start = _best_on_grid(steps, scores)
    if start is None:
        level = float(np.mean(scores))
        return Curve(first, level, last, level)

    def curve(unit: np.ndarray) -> Curve:
        """Four numbers in [0, 1] as the curve: whatever they are, it is an allowed one."""
        begin = first + unit[0] * (last - first - SHORTEST)
        end = begin + SHORTEST + unit[1] * (last - begin - SHORTEST)
        return Curve(begin, unit[2], end, unit[2] + unit[3] * (1 - unit[2]))

    begin, low, end, high = start
    unit = [
        (begin - first) / max(last - first - SHORTEST, INSIDE),
        (end - begin - SHORTEST) / max(last - begin - SHORTEST, INSIDE),
        low,
        (high - low) / max(1 - low, INSIDE),
    ]
    solved = least_squares(
        lambda unit: curve(unit).at(steps) - scores, np.clip(unit, INSIDE, 1 - INSIDE), bounds=(0.0, 1.0)
    )
    found = curve(solved.x)
    return Curve(*(float(value) for value in (found.start_steps, found.start_score, found.end_steps, found.end_score)))


def _best_on_grid(steps: np.ndarray, scores: np.ndarray) -> tuple[float, float, float, float] | None:
    """The best curve with its knots on a grid: A_x, A_y, B_x, B_y. None if no curve that rises is better than a level one."""
    places = np.unique(np.concatenate([steps, np.linspace(steps[0], steps[-1], KNOTS)]))
    begin, end = (each.ravel() for each in np.meshgrid(places, places, indexing="ij"))
    long_enough = end - begin >= SHORTEST
    begin, end = begin[long_enough], end[long_enough]
    if not len(begin):
        return None
    share = np.clip((steps - begin[:, None]) / (end - begin)[:, None], 0.0, 1.0)
    centred = share - share.mean(axis=1, keepdims=True)
    spread = np.square(centred).sum(axis=1)
    rise = np.where(spread > 0, centred @ scores / np.maximum(spread, INSIDE), 0.0)
    low = scores.mean() - rise * share.mean(axis=1)
    allowed = (rise > 0) & (low >= -INSIDE) & (low + rise <= 1 + INSIDE)
    if not allowed.any():
        return None if (rise <= 0).all() else _clipped(begin, end, low, rise)
    error = np.where(allowed, np.square(low[:, None] + rise[:, None] * share - scores).sum(axis=1), np.inf)
    best = int(error.argmin())
    return begin[best], max(low[best], 0.0), end[best], min(low[best] + rise[best], 1.0)


def _clipped(
    begin: np.ndarray, end: np.ndarray, low: np.ndarray, rise: np.ndarray
) -> tuple[float, float, float, float]:
    """The longest rise, its ends moved into [0, 1]."""
    best = int(np.argmax(np.where(rise > 0, end - begin, -1)))
    return begin[best], float(np.clip(low[best], 0, 1)), end[best], float(np.clip(low[best] + rise[best], 0, 1))

"""A slow reading of the curve of quality: every pair of knots on a fine grid, scores by a search over levels."""

from __future__ import annotations

import numpy as np


def quality(steps: float, start_steps: float, start_score: float, end_steps: float, end_score: float) -> float:
    if steps <= start_steps:
        return start_score
    if steps >= end_steps:
        return end_score
    return start_score + (end_score - start_score) * (steps - start_steps) / (end_steps - start_steps)


def squared_error(steps: list[float], scores: list[float], curve: tuple[float, float, float, float]) -> float:
    return sum((quality(place, *curve) - score) ** 2 for place, score in zip(steps, scores, strict=True))


def least_error(steps: list[float], scores: list[float], spacing: float) -> float:
    """The least squared error of curves with knots on a grid, both scores chosen by linear least squares."""
    best = np.inf
    knots = np.arange(steps[0], steps[-1] + spacing / 2, spacing)
    for start in knots:
        for end in knots[knots > start]:
            share = [quality(place, start, 0.0, end, 1.0) for place in steps]
            design = np.stack([1 - np.array(share), np.array(share)], axis=1)
            (low, high), *_ = np.linalg.lstsq(design, np.array(scores), rcond=None)
            if 0 <= low <= high <= 1:
                best = min(best, squared_error(steps, scores, (start, low, end, high)))
    return float(best)

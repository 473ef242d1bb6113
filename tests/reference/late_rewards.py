"""Payments that come late, step by step and in a dictionary of decisions."""

from __future__ import annotations

import numpy as np


def settled(own: np.ndarray, age: np.ndarray, payment: np.ndarray, wait: int) -> tuple[np.ndarray, list[int]]:
    """What each decision of one copy earned.

    Args:
        own: brought at once, [t].
        age, payment: steps ago and size of the payments in every step, [t, m].
        wait: steps W for which a step waits.

    Returns:
        The rewards of the steps that have waited long enough, [t - W], and the number of payments too late in every step.
    """
    earned = {step: float(own[step]) for step in range(len(own))}
    overdue = []
    for now in range(len(own)):
        overdue.append(0)
        for ago, size in zip(age[now], payment[now], strict=True):
            if ago > wait and size != 0:
                overdue[-1] += 1
            earned[now - min(int(ago), wait)] += float(size)
    return np.array([earned[step] for step in range(len(own) - wait)]), overdue

"""What an operator of service selection can know, worked out slowly: Gaussian curves, bounds from shape, fluid prices."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog


def posterior(mean, basis, places, scores, deviation):
    """Mean and covariance of a curve at all sizes given scores at some, by the formula of Gaussian conditioning."""
    covariance = basis @ basis.T
    if not len(places):
        return mean, covariance
    seen = covariance[np.ix_(places, places)] + deviation**2 * np.eye(len(places))
    gain = covariance[:, places] @ np.linalg.inv(seen)
    return mean + gain @ (scores - mean[places]), covariance - gain @ covariance[places]


def highest_curve(places, scores, kinds, at):
    """The highest value at one size of a rising concave curve through exact scores that stays below 1, by linear programming."""
    cost = np.zeros(kinds)
    cost[at] = -1.0
    rises = np.zeros((kinds - 1, kinds))
    bends = np.zeros((max(kinds - 2, 0), kinds))
    for k in range(kinds - 1):
        rises[k, k], rises[k, k + 1] = 1, -1
    for k in range(kinds - 2):
        bends[k, k], bends[k, k + 1], bends[k, k + 2] = 1, -2, 1
    exact = np.zeros((len(places), kinds))
    exact[np.arange(len(places)), places] = 1
    result = linprog(
        cost,
        A_ub=np.concatenate([rises, bends]),
        b_ub=np.zeros(len(rises) + len(bends)),
        A_eq=exact if len(places) else None,
        b_eq=scores if len(places) else None,
        bounds=(None, 1),
    )
    return -result.fun


def fluid_optimum(utility, share, work, rate, usable, penalty):
    """Value and room prices of the fluid program, per task: utility [I, K]."""
    providers, kinds = utility.shape
    profit = np.concatenate([utility, np.full((1, kinds), -penalty)])
    cost = -(profit * share).ravel()
    room = np.zeros((providers, (providers + 1) * kinds))
    each = np.zeros((kinds, (providers + 1) * kinds))
    for i in range(providers):
        room[i, i * kinds : (i + 1) * kinds] = rate * share * work
    for k in range(kinds):
        each[k, k::kinds] = 1
    result = linprog(cost, A_ub=room, b_ub=usable, A_eq=each, b_eq=np.ones(kinds), bounds=(0, None))
    return -result.fun, -result.ineqlin.marginals

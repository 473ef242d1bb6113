"""Value of keeping the attacker off one unit, from the linear equations of every stationary policy."""

from itertools import product

import numpy as np

IDLE, RECONNAISSANCE, ATTACKED = range(3)


def values(damage, price, start, end, success, slots, discount):
    """Least expected discounted cost from each state, seen at the start of a slot."""
    out = 1 / max(1, slots)
    left = np.array([[1 - start, 0, start], [out, 1 - out, 0], [end, 0, 1 - end]])
    won = np.eye(3)[RECONNAISSANCE if slots else IDLE]
    cost = np.array([0, 0, damage])
    best = np.full(3, np.inf)
    for defends in product((False, True), repeat=3):
        moves, costs = left.copy(), cost.astype(float)
        for state in np.flatnonzero(defends):
            moves[state] = success * won + (1 - success) * left[state]
            costs[state] = price + (1 - success) * cost[state]
        best = np.minimum(best, np.linalg.solve(np.eye(3) - discount * moves, costs))
    return best, left, won

"""Probabilities of the attacker's states by enumeration: every set of targets, every hidden path, every outcome of a defence."""

from itertools import combinations

import numpy as np

NONE, IDLE, RECONNAISSANCE, ATTACKED = range(4)


def moves(state, helped, start, end, slots):
    """What follows a state, with its probability; reconnaissance ends with probability 1 / slots."""
    if state == NONE:
        return [(NONE, 1.0)]
    if helped:
        return [(RECONNAISSANCE if slots else IDLE, 1.0)]
    if state == ATTACKED:
        return [(ATTACKED, 1 - end), (IDLE, end)]
    if state == IDLE:
        return [(ATTACKED, start), (IDLE, 1 - start)]
    return [(IDLE, 1 / max(1, slots)), (RECONNAISSANCE, 1 - 1 / max(1, slots))]


def weights_of_unit(is_target, odds, defence, success, start, end, slots):
    """Likelihood of the evidence with each last state of one unit, [4]; odds [T] are those of a hit, defence [T]."""
    total = np.zeros(4)

    def follow(state, t, weight):
        if t == len(odds):
            total[state] += weight
            return
        chance = success if defence[t] else 0.0
        for helped, part in ((True, chance), (False, 1 - chance)):
            seen = odds[t] if state == ATTACKED and not helped else 1.0
            for after, move in moves(state, helped, start, end, slots):
                if weight * part * move > 0:
                    follow(after, t + 1, weight * part * seen * move)

    follow(IDLE if is_target else NONE, 0, 1.0)
    return total


def posterior(units, targets, odds, defence, **attack):
    """Probabilities of each unit's last state given exactly so many targets; odds and defence are [T, S]."""
    each = [
        [weights_of_unit(chosen, odds[:, s], defence[:, s], **attack) for s in range(units)] for chosen in (False, True)
    ]
    found = np.zeros((units, 4))
    for chosen in combinations(range(units), targets):
        parts = [each[s in chosen][s] for s in range(units)]
        whole = np.prod([part.sum() for part in parts])
        for s, part in enumerate(parts):
            found[s] += whole * part / part.sum()
    return found / found.sum(axis=1, keepdims=True)

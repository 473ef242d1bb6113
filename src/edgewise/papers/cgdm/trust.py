"""The attack of Fig. 10, and what users' reputations of the attacked RSU tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise.experiments.results import Outcome, Results
from edgewise.statistics.estimates import Estimate, estimate

RSU, FIRST, LAST = 1, 15, 24
"""The attacked RSU, and the first and last slot of the attack."""
ATTACK = {"attack_frequency": 0.0, "scheduled_attacks": ((RSU, FIRST, LAST),)}
"""One attack on one RSU, and no other."""
REPUTATION, SHOWN = "reputation of the attacked RSU", "one episode"
"""Names of the probes."""
INDEX = ("policy", "episode", "slot")
"""Columns of the first that say whose reputations a row has; the others are users."""


@dataclass(frozen=True)
class Trust:
    """What became of the attacked RSU's reputation under one player.

    Attributes:
        reputation: for each user at the start of each slot [policies, episodes, slots, users].
        trusted: who trusted it before the attack [policies, episodes, users].
        slots: until it was below the threshold, of those who did.
        spread: the spread of the reputation over users before the attack.
    """

    reputation: np.ndarray
    trusted: np.ndarray
    slots: Estimate
    spread: Estimate

    @classmethod
    def of(cls, outcome: Outcome, results: Results) -> Trust:
        """The figures of a player."""
        table = results.table(REPUTATION, outcome.label)
        policies, episodes, slots = (int(table[name].max()) + 1 for name in INDEX)
        reputation = table.drop(columns=[*INDEX]).to_numpy(float).reshape(policies, episodes, slots, -1)
        threshold = trust_threshold(outcome)
        trusted = reputation[:, :, FIRST] >= threshold
        fallen = np.ma.array(slots_to_fall(reputation, threshold), mask=~trusted)
        spread = np.ma.array(np.ptp(reputation[:, :, FIRST], axis=-1, keepdims=True))
        return cls(reputation, trusted, _over_units(outcome, fallen), _over_units(outcome, spread))


def trust_threshold(outcome: Outcome) -> float:
    """Below which a reputation is no trust, in the precision of the system."""
    return float(np.float32(outcome.setting.build().reputation_threshold))


def slots_to_fall(reputation: np.ndarray, threshold: float) -> np.ndarray:
    """Slots from the attack's first until a user's reputation is below the threshold; at most the attack's length.

    Args:
        reputation: [policies, episodes, slots, users].
        threshold: B_thre.

    Returns:
        [policies, episodes, users].
    """
    below = reputation[:, :, FIRST + 1 : LAST + 2] < threshold
    length = below.shape[2]
    return np.where(below.any(axis=2), below.argmax(axis=2) + 1.0, length)


def _over_units(outcome: Outcome, values: np.ndarray) -> Estimate:
    """Over seeds of a learner, or over episodes of a policy that was not trained; `values` [policies, episodes, users]."""
    units = np.ma.asarray(values.mean(axis=(1, 2) if outcome.learned else (0, 2))).compressed()
    return estimate([units], outcome.centre) if units.size else Estimate(np.nan, np.nan, np.nan)

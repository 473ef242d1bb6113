"""What the paper's policies and metrics are called."""

from __future__ import annotations

OURS, NO_FOLLOWERS, NO_LEADERS = "MALPPO", "MALPPO-RF", "MALPPO-RL"
EQUILIBRIUM, RANDOM = "equilibrium", "random"
RETURN, GAIN_ALONE = "return", "exploitability"
DISTANCES = {
    "price_distance": "prices",
    "demand_distance": "demands",
    "leader_distance": "MRPs' utilities",
    "follower_distance": "MSPs' utilities",
}
"""Metrics of the distance from the equilibrium, in per cent, and what is distant."""
EQUILIBRIA, CERTIFICATE = "equilibria", "certificate"
"""Name of the probe, and its column with the largest gain of any agent that deviates alone."""
NEAR = 3.0
"""Per cent of the equilibrium within which a learner counts as there."""
NAMES = {EQUILIBRIUM: "exact equilibrium", RANDOM: "Random"}


def name(label: str) -> str:
    """The name of a policy, as figures show it."""
    return NAMES.get(label, label)

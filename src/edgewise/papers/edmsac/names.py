"""What the paper's policies, contract schemes, metrics and axes are called."""

from __future__ import annotations

OURS, DMSAC, PPO = "EDMSAC", "DMSAC", "PPO"
PROFIT = "profit"
DYNAMIC, STATIC, FIRST_BEST = "exact optimum", "static", "types known"
RANDOM, RANDOM_STATIC = "random", "random static"
SCHEMES = (DYNAMIC, STATIC, RANDOM, RANDOM_STATIC, FIRST_BEST)
"""Contract schemes that are computed state by state."""
STATIC_FIRST = "static, period 1 alone"
"""What the paper compares U1 + beta U2 with."""
SERVERS, ALPHA, BETA = "servers", "alpha", "beta"
"""Axes of Fig. 9."""
PRUNING, DENOISING, RATES = "pruning rate", "denoising steps", "rates of actor, critic"
"""Groups of Fig. 7, and their axes; that of rates is the critic's."""
OPTIMUM, TRAINING_OPTIMUM = "optimum", "optimum while learning"
SCHEME_PROFITS, MENUS, CONSTRUCTIONS = "schemes", "menus", "constructions"
PHONES, CASES = "phones", "cases"
"""Names of the probes."""

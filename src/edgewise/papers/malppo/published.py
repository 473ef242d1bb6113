"""What the paper says of its figures."""

from __future__ import annotations

from edgewise.papers.malppo.names import NO_FOLLOWERS, NO_LEADERS, OURS, RANDOM
from edgewise.papers.malppo.trends import DOWN, UP, Trend

GAINS = {"MAPPO": 1.5, "MAA2C": 5.3, NO_FOLLOWERS: 23.2, NO_LEADERS: 35.6, RANDOM: 58.2}
"""Fig. 4's advantages of MALPPO in reward, per cent."""
ITERATIONS = {OURS: 200, "MAPPO": 600, "MAA2C": 1200}
"""After which the paper's learners have converged."""
PRICES, DEMANDS = (0.9, 0.8), (0.79, 0.60, 0.91)
LEADER_UTILITIES, FOLLOWER_UTILITIES = (30.56, 45.12), (3.78, 1.66, 5.52)
"""Fig. 3; the paper's demands belong to alpha = 25, 30, 35, its utilities to two MRPs and then alpha = 30, 25, 35."""
UTILITIES = ("utility of MSPs", "utility of MRPs", "welfare")
TRENDS = {
    "fig5": (
        Trend(
            "With more MSPs demand and the utilities of MSPs, MRPs and all together rise",
            {"demand": UP, **dict.fromkeys(UTILITIES, UP)},
            paper="M = 2, N from 2 to 6: demand 0.38 to 0.56, MSPs' utility 4.37 to 9.35",
        ),
        Trend(
            "With more MRPs prices, MRPs' utility and welfare fall",
            {"price": DOWN, "utility of MRPs": DOWN, "welfare": DOWN},
            across=True,
            paper="N = 3, M from 2 to 4: MRPs' utility 40.95 to 14.4, welfare 95.58 to 78.33",
        ),
        Trend(
            "With more MRPs demand and MSPs' utility rise",
            {"demand": UP, "utility of MSPs": UP},
            across=True,
        ),
    ),
    "fig6": (
        Trend(
            "Higher costs raise prices",
            {"price": UP},
            paper="mu_alpha = 30, mu_c from 0.1 to 0.5: 0.6 to 1.1",
        ),
        Trend(
            "Higher costs lower demand, MSPs' utility and welfare",
            {"demand": DOWN, "utility of MSPs": DOWN, "welfare": DOWN},
        ),
        Trend("Higher costs lower MRPs' utility", {"utility of MRPs": DOWN}),
        Trend(
            "More satisfaction raises prices, demand and all utilities",
            {"price": UP, "demand": UP, **dict.fromkeys(UTILITIES, UP)},
            across=True,
            paper="mu_c = 0.2, mu_alpha from 25 to 35: price 0.6 to 0.9, demand 0.36 to 0.48",
        ),
    ),
    "fig7": (
        Trend(
            "Stronger ties raise demand and the utilities of MSPs, MRPs and all together",
            {"demand": UP, **dict.fromkeys(UTILITIES, UP)},
        ),
    ),
    "fig8": (
        Trend("A higher cost raises MRP 1's price", {"price": UP}, curves=("MRP 1",)),
        Trend("It lowers MRP 1's sales and utility", {"sold": DOWN, "utility": DOWN}, curves=("MRP 1",)),
        Trend(
            "It raises the utilities of MRP 2 and MRP 3",
            {"utility": UP},
            curves=("MRP 2, c = 0.1", "MRP 3, c = 0.5"),
        ),
    ),
}
"""Statements on Figs. 5 to 8."""

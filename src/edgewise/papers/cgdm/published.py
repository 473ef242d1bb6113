"""What the paper says of its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GAINS = {"GDM": 5.7, "PPO": 12.3, "SAC": 10.2, "TD3": 34.6, "DDPG": 39.3, "random": 44.8}
"""Fig. 5's advantages of CGDM in per cent."""
BEST_STEPS, MANY_STEPS, MOST_STEPS = 5.0, 10.0, 15.0
"""Fig. 4: the best number of denoising steps, the number beyond which policies become worse, and the largest."""


@dataclass(frozen=True)
class Gap:
    """What the paper says of the distance between the baselines and CGDM.

    Attributes:
        text: the statement.
        first, last: places between which the distance changes.
        grows: or else shrinks.
    """

    text: str
    first: float
    last: float
    grows: bool


@dataclass(frozen=True)
class Swept:
    """What the paper says of one of Figs. 6 to 9.

    Attributes:
        axis: what is swept, with its unit.
        text: the statement on all curves.
        rises: whether latency rises along the axis; or else it falls.
        gains: advantages of CGDM in per cent, by baseline.
        gaps: on the distances.
        flattens: whether curves rise steeper in the lower half of the axis.
    """

    axis: str
    text: str
    rises: bool
    gains: Mapping[str, float]
    gaps: tuple[Gap, ...]
    flattens: bool = False


def _gains(*percent: float) -> dict[str, float]:
    return dict(zip(("GDM", "SAC", "PPO", "TD3", "DDPG", "random"), percent, strict=True))


SWEPT = {
    "fig6": Swept(
        "data volume of each vehicle, and size of its agent (MB)",
        "Latency rises with the data, for CGDM and the baselines",
        True,
        _gains(7.6, 16.3, 19.9, 35.6, 43.8, 48.7),
        (Gap("The distances to CGDM grow with the data", 100, 600, True),),
    ),
    "fig7": Swept(
        "nominal link rate (Mbit/s)",
        "Latency falls with bandwidth, for CGDM and the baselines",
        False,
        _gains(9.0, 14.8, 21.5, 38.7, 44.9, 49.5),
        (Gap("The distances to CGDM shrink with bandwidth", 100, 300, False),),
    ),
    "fig8": Swept(
        "processor of each RSU (MHz)",
        "Latency falls with faster processors, for CGDM and the baselines",
        False,
        _gains(8.9, 12.3, 14.5, 21.7, 31.1, 33.4),
        (
            Gap("The distances to CGDM widen up to 250 MHz", 100, 250, True),
            Gap("Beyond 250 MHz they narrow", 250, 300, False),
        ),
    ),
    "fig9": Swept(
        "attack frequency",
        "Latency rises with the attack frequency, then flattens, for CGDM and the baselines",
        True,
        _gains(6.3, 9.8, 11.2, 32.4, 37.8, 43.6),
        (Gap("The distances to CGDM grow above an attack frequency of 0.5", 0.5, 1, True),),
        flattens=True,
    ),
}
"""Figs. 6 to 9."""

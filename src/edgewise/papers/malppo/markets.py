"""The markets of the MALPPO paper's figures, and their exact equilibria."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from edgewise.experiments.setting import Setting
from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.equilibrium import StackelbergEquilibrium, stackelberg_equilibrium
from edgewise.systems.twin_trading.sampling import configured_market

SYSTEM = "twin-trading"
PAPER_CASE = Setting(
    "the paper's case",
    SYSTEM,
    {
        "followers": 3,
        "leaders": 2,
        "with_delay": False,
        "satisfaction": (30.0, 25.0, 35.0),
        "sensitivity": (30.0,),
        "social": 5.0,
        "cost": (0.3, 0.1),
    },
)
"""Of Figs. 3 and 4; sensitivity and ties, which the paper does not state for it, at their means."""
NEAR = 3.0
"""Per cent of the equilibrium within which a learner counts as there."""
SYSTEM_NOTE = (
    "The paper does not state the units of prices and utilities (kappa and s, ours 15 and 100), and its own figures are no "
    "equilibrium of (1): ours are judged by the exact equilibrium of the same market, and need not be those of the paper. "
    "No delay limit (6)."
)
NEWEST = (
    "In a game no sum of rewards tells which joint policy is best (sellers that collude earn more than in equilibrium), so the "
    "newest policies count as the best and are tested."
)


def at_means(
    label: str,
    followers: int,
    leaders: int,
    *,
    satisfaction: float = 30.0,
    social: float = 5.0,
    cost: Sequence[float] = (0.1,),
) -> Setting:
    """A market in which every parameter has the mean that the paper draws it around (section VI-A).

    Args:
        label: of the setting.
        followers: N.
        leaders: M.
        satisfaction: mean of alpha.
        social: mean of w.
        cost: mean of c, or c of every leader.
    """
    market = {
        "followers": followers,
        "leaders": leaders,
        "with_delay": False,
        "satisfaction": (satisfaction,),
        "sensitivity": (30.0,),
        "social": social,
        "cost": tuple(cost),
    }
    return Setting(label, SYSTEM, market)


def equilibria(settings: Sequence[Setting]) -> list[StackelbergEquilibrium]:
    """The exact equilibrium of every setting's market; markets of one size are solved together."""
    configs: list[TwinTradingConfig] = [setting.build() for setting in settings]
    sizes: dict[tuple[int, int], list[int]] = {}
    for place, config in enumerate(configs):
        sizes.setdefault((config.followers, config.leaders), []).append(place)
    found: dict[int, StackelbergEquilibrium] = {}
    for places in sizes.values():
        markets = [configured_market(configs[place]) for place in places]
        together = jax.vmap(stackelberg_equilibrium)(jax.tree.map(lambda *leaves: jnp.stack(leaves), *markets))
        found |= {place: jax.tree.map(lambda leaf, i=i: leaf[i], together) for i, place in enumerate(places)}
    return [found[place] for place in range(len(configs))]

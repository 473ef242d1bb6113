"""What is solved for the figures: the exact equilibria of markets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from edgewise.experiments.cell import Planned
from edgewise.experiments.probe import Probe, Probes
from edgewise.experiments.setting import Setting
from edgewise.papers.malppo.names import CERTIFICATE, EQUILIBRIA
from edgewise.systems.twin_trading.configuration import TwinTradingConfig
from edgewise.systems.twin_trading.equilibrium import StackelbergEquilibrium, stackelberg_equilibrium
from edgewise.systems.twin_trading.sampling import configured_market


@dataclass(frozen=True)
class Equilibria(Probe):
    """The exact equilibria of markets, in the metrics of evaluations.

    Attributes:
        markets: by name.
    """

    name = f"malppo: {EQUILIBRIA}"
    markets: Mapping[str, TwinTradingConfig]

    def compute(self, folder: Path | None) -> pd.DataFrame:
        """One row per market, one column per metric: means over agents, and the values of each."""
        solved = equilibria(list(self.markets.values()))
        rows = [{"market": name, **metrics(each)} for name, each in zip(self.markets, solved, strict=True)]
        return pd.DataFrame(rows)


def equilibria_of(markets: Sequence[Setting], cells: Sequence[Planned]) -> Probes:
    """The equilibria of the markets of a figure, whichever of them learners are trained in."""
    return {(EQUILIBRIA, ""): Equilibria({market.label: market.build() for market in markets})}


def metrics(solved: StackelbergEquilibrium) -> dict[str, float]:
    """An equilibrium in the metrics of evaluations, and its certificate."""
    agents = {
        "price/leader": np.asarray(solved.prices),
        "sold/leader": np.asarray(solved.demands).sum(axis=0),
        "reward/leader": np.asarray(solved.leader_utilities),
        "bought/follower": np.asarray(solved.demands).sum(axis=1),
        "reward/follower": np.asarray(solved.follower_utilities),
    }
    return {
        "price": float(solved.prices.mean()),
        "demand": float(solved.demands.mean()),
        "follower_utility": float(solved.follower_utilities.mean()),
        "leader_utility": float(solved.leader_utilities.mean()),
        "welfare": float(solved.welfare),
        CERTIFICATE: float(solved.certificate),
        **{f"{name}_{i}": float(value) for name, values in agents.items() for i, value in enumerate(values)},
    }


def equilibria(configs: Sequence[TwinTradingConfig]) -> list[StackelbergEquilibrium]:
    """The exact equilibrium of every market; markets of one size are solved together."""
    sizes: dict[tuple[int, int], list[int]] = {}
    for place, config in enumerate(configs):
        sizes.setdefault((config.followers, config.leaders), []).append(place)
    found: dict[int, StackelbergEquilibrium] = {}
    for places in sizes.values():
        markets = [configured_market(configs[place]) for place in places]
        together = jax.vmap(stackelberg_equilibrium)(jax.tree.map(lambda *leaves: jnp.stack(leaves), *markets))
        found |= {place: jax.tree.map(lambda leaf, i=i: leaf[i], together) for i, place in enumerate(places)}
    return [found[place] for place in range(len(configs))]

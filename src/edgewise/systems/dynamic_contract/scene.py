"""What views show of a network state: the menu that is offered in it, beside the best one."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from edgewise.drawing.scene import SERIES, Curve, Curves, Headline, Scene, ends
from edgewise.environments.moments import Moments, headline_panels
from edgewise.environments.system import Headline as Metric
from edgewise.systems.dynamic_contract.environment import DynamicContract, DynamicContractState
from edgewise.systems.dynamic_contract.model import Contract, Histories
from edgewise.systems.dynamic_contract.optimum import Optimum, optimal_contract
from edgewise.systems.dynamic_contract.projection import project

LABELLED = 4
"""Most types of period 1 that the legend of period 2 names."""


class Menu(NamedTuple):
    """The menu of a network state, made feasible, and the best one.

    Attributes:
        types: theta of both periods [2, K].
        rounds, rewards: of both periods, [K] and [K, K] by the type before.
        best_rounds, best_rewards: those of the best menu. If None, it is not known.
        best_profit: its profit. If None, it is not known.
    """

    types: Float[Array, "2 k"]
    rounds: Histories | None
    rewards: Histories | None
    best_rounds: Histories | None = None
    best_rewards: Histories | None = None
    best_profit: Float[Array, ""] | None = None


def curves_of(menu: Menu) -> tuple[Curves, ...]:
    """Rounds and rewards of both periods, over the willingness that they are meant for."""
    types = np.asarray(menu.types, float)
    made = []
    for word, offered, best in (
        ("rounds", menu.rounds, menu.best_rounds),
        ("reward", menu.rewards, menu.best_rewards),
    ):
        both = [values for each in (offered, best) if each is not None for values in each]
        y_range = ends(*(np.ravel(values).tolist() for values in both), zero=True)
        for period in range(2):
            x = tuple(float(theta) for theta in types[period])
            curves = [] if offered is None else _lines(x, np.asarray(offered[period]), period, "offered", False)
            curves += [] if best is None else _lines(x, np.asarray(best[period]), period, "best", True)
            room = 0.1 * max(x[-1] - x[0], 1.0)
            made.append(
                Curves(
                    f"{word} in period {period + 1}",
                    tuple(curves),
                    f"willingness theta in period {period + 1}",
                    word,
                    (x[0] - room, x[-1] + room),
                    y_range,
                )
            )
    return tuple(made)


def scenes(metric: Metric, environment: DynamicContract, moments: Moments) -> list[Scene]:
    """The scenes of an episode.

    Args:
        metric: the headline of the system.
        environment: in which it was played.
        moments: its network states.
    """
    at = headline_panels(metric, moments, "network state")
    made = []
    for place in range(moments.count):
        state, action = moments.at(place)
        menu = _menu(environment, state, action)
        told = moments.told(place)
        figure, course = at(place)
        assert menu.best_profit is not None
        figures = [Headline("best possible", metric.text(float(menu.best_profit)))]
        if told:
            failed = told["infeasible"] > 0
            word = "no, mended here" if failed else "yes"
            figures.append(Headline("menu as printed is feasible", word, "vermilion" if failed else "ink"))
        made.append(
            Scene(
                f"menu for {environment.config.servers} servers of {environment.config.types} types",
                f"network state {moments.first + place + 1} of {moments.length}",
                (figure, *figures),
                None,
                (),
                (*curves_of(menu), course),
            )
        )
    return made


def _lines(x: tuple[float, ...], values: Float[np.ndarray, "*h k"], period: int, word: str, best: bool) -> list[Curve]:
    """One line in period 1; in period 2 one for each type before."""
    rows = values.reshape(-1, values.shape[-1])
    made = []
    for k, row in enumerate(rows):
        label = word if period == 0 or best else f"after type {k + 1}"
        shown = label if (period == 0 or not best or k == 0) and k < LABELLED else ""
        made.append(Curve(shown, x, tuple(map(float, row)), "ink" if best else SERIES[k % len(SERIES)], best, not best))
    return made


@eqx.filter_jit
def _offered(environment: DynamicContract, state: DynamicContractState, action: Any) -> Contract:
    return project(environment.network(state), environment.rounds_of(action)).contract


@eqx.filter_jit
def _best(environment: DynamicContract, state: DynamicContractState) -> tuple[Array, Optimum]:
    network = environment.network(state)
    return network.types, optimal_contract(network, "feasible", environment.config.shared)


def _menu(environment: DynamicContract, state: DynamicContractState, action: Any) -> Menu:
    types, best = _best(environment, state)
    offered = None if action is None else _offered(environment, state, action)
    return Menu(
        types,
        None if offered is None else offered.rounds,
        None if offered is None else offered.rewards,
        best.contract.rounds,
        best.contract.rewards,
        best.profit,
    )

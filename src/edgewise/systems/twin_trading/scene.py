"""What views show of a slot of the market: prices and demands beside the equilibrium's, and who earns what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from edgewise.drawing.scene import SERIES, Bar, Bars, Headline, Scene
from edgewise.environments.moments import Moments, headline_panels
from edgewise.environments.system import Headline as Metric
from edgewise.systems.twin_trading.environment import TwinTrading
from edgewise.systems.twin_trading.prices import price_bounds

NOTE = "tick: in equilibrium"


@dataclass(frozen=True, eq=False)
class Trade:
    """Prices and demands of M leaders and N followers.

    Attributes:
        prices: of the leaders [M].
        demands: of each follower from each leader, 1e7 Hz [N, M].
        price_cap: the highest price that is allowed.
        equilibrium_prices: those of the equilibrium [M]. If None, it is not known.
        equilibrium_demands: its demands, 1e7 Hz [N, M]. If None, they are not known.
    """

    prices: Float[np.ndarray, " m"]
    demands: Float[np.ndarray, "n m"]
    price_cap: float
    equilibrium_prices: Float[np.ndarray, " m"] | None = None
    equilibrium_demands: Float[np.ndarray, "n m"] | None = None


def panels_of(trade: Trade) -> tuple[Bars, ...]:
    """Prices, what each leader sells and what each follower buys."""
    there = trade.equilibrium_prices is not None and trade.equilibrium_demands is not None
    sold = (trade.demands.sum(0), trade.equilibrium_demands.sum(0) if trade.equilibrium_demands is not None else None)
    bought = (trade.demands.sum(1), trade.equilibrium_demands.sum(1) if trade.equilibrium_demands is not None else None)
    note = NOTE if there else ""
    return (
        Bars(
            "price of each leader", _rows("leader", trade.prices, trade.equilibrium_prices), trade.price_cap, note=note
        ),
        Bars("sold by each leader (10 MHz)", _rows("leader", *sold), _high(*sold), note=note),
        Bars("bought by each follower (10 MHz)", _rows("follower", *bought), _high(*bought), note=note),
    )


def scenes(metric: Metric, environment: TwinTrading, moments: Moments) -> list[Scene]:
    """The scenes of an episode.

    Args:
        metric: the headline of the system.
        environment: in which it was played; one with an equilibrium shows that too.
        moments: its slots.
    """
    measured = metric.metric in moments.info
    at = headline_panels(metric, moments, "slot")
    made = []
    for place in range(moments.count):
        state, actions = moments.at(place)
        trade = _trade(environment, state, actions)
        told = moments.told(place)
        figure, course = at(place)
        late = told.get("late", 0.0)
        figures = [
            Headline("leaders' mean utility", f"{told['leader_utility']:.2f}"),
            Headline("followers' mean utility", f"{told['follower_utility']:.2f}"),
            Headline("late followers", f"{late:.0f}", "vermilion" if late else "ink"),
        ] if told else []  # fmt: skip
        made.append(
            Scene(
                f"market of {environment.market.leaders} leaders and {environment.market.followers} followers",
                f"slot {moments.first + place + 1} of {moments.length}",
                (*([figure] if measured else []), *figures),
                None,
                panels_of(trade),
                (course,) if measured else (),
            )
        )
    return made


def _trade(environment: TwinTrading, state: Any, actions: Any) -> Trade:
    """The trade of a slot; of one in which nothing was decided yet, that of the slot before."""
    low, high = (np.asarray(bound, float) for bound in price_bounds(environment.market))
    solved = environment.equilibrium
    if actions is None:
        prices, demands = np.asarray(state.past_prices[-1], float), np.asarray(state.past_demands[-1], float)
    else:
        shares = np.concatenate([np.clip(actions[agent], 0, 1) for agent in environment.leaders])
        prices = low + (high - low) * shares
        bought = np.stack([np.clip(actions[agent], 0, 1) for agent in environment.followers])
        demands = float(environment.largest_demand) * bought
    return Trade(
        prices,
        demands,
        float(np.max(high)),
        None if solved is None else np.asarray(solved.prices, float),
        None if solved is None else np.asarray(solved.demands, float),
    )


def _rows(kind: str, values: Float[np.ndarray, " k"], marks: Float[np.ndarray, " k"] | None) -> tuple[Bar, ...]:
    return tuple(
        Bar(
            f"{kind} {i + 1}",
            float(value),
            SERIES[i % len(SERIES)] if kind == "leader" else "grey",
            mark=None if marks is None else float(marks[i]),
        )
        for i, value in enumerate(values)
    )


def _high(values: Float[np.ndarray, " k"], marks: Float[np.ndarray, " k"] | None) -> float:
    highest = float(np.max(values)) if marks is None else float(max(np.max(values), np.max(marks)))
    return 1.15 * highest if highest > 0 else 1.0

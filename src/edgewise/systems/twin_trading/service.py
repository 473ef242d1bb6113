"""The exact equilibrium of a bandwidth market as an answer: requests and answers have the keys of market files and `--json`."""

from __future__ import annotations

from typing import Annotated

import jax
from pydantic import Field

from edgewise.environments.service import Solving, Words, by_content, finite_answer
from edgewise.systems.twin_trading.equilibrium import Mode, stackelberg_equilibrium
from edgewise.systems.twin_trading.files import market_of
from edgewise.systems.twin_trading.solve import plain, remarks

MOST_FOLLOWERS, MOST_LEADERS = 64, 16
"""Most of each in a request: an equilibrium of more takes longer than operators wait."""

OfFollowers = Annotated[list[float], Field(min_length=1, max_length=MOST_FOLLOWERS)]
OfLeaders = Annotated[list[float], Field(min_length=1, max_length=MOST_LEADERS)]


class DelayIn(Words):
    """Limits of the delay."""

    data_bits: OfFollowers
    cycles: OfFollowers
    deadline_s: OfFollowers
    cpu_hz: OfLeaders
    arrival_rate: OfLeaders
    service_rate: OfLeaders
    rate_per_bandwidth: float


class MarketIn(Words):
    """A bandwidth market; see the page of twin trading."""

    satisfaction: OfFollowers
    sensitivity: OfFollowers
    social: Annotated[list[OfFollowers], Field(min_length=1, max_length=MOST_FOLLOWERS)]
    cost: OfLeaders
    price_cap: float
    payment_scale: float
    leader_scale: float
    delay: DelayIn | None = None
    mode: Mode = Field(
        default="stackelberg", description="whether leaders anticipate all that followers do, or as in the paper"
    )


class EquilibriumOut(Words):
    """Prices and demands, and how much anyone could still gain by deviating."""

    prices: list[float]
    demands: list[list[float]] = Field(description="of each follower from each leader, 1e7 Hz")
    leader_utilities: list[float]
    follower_utilities: list[float]
    welfare: float
    certificate: float | None = Field(
        description="largest gain by deviating, as a part of the largest utility; None if it is not bounded"
    )
    mode: Mode
    remarks: list[str] = Field(description="what a reader must know of the solution")


def trade(request: MarketIn) -> EquilibriumOut:
    """The Stackelberg equilibrium of a market.

    Raises:
        ConfigurationError: naming the first field that is not allowed.
        EdgewiseError: if there is no finite solution.
    """
    with jax.enable_x64(True):
        market = market_of(request.model_dump(exclude={"mode"}, exclude_none=True))
        solved = stackelberg_equilibrium(market, request.mode)
        return finite_answer(EquilibriumOut, {**plain(solved), "remarks": list(remarks(market, solved))})


SOLVING = Solving(MarketIn, EquilibriumOut, "equilibrium prices and demands of a bandwidth market", by_content(trade))

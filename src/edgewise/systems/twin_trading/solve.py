"""`edgewise solve twin-trading --instance FILE`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

from edgewise.common.by_products import check_image_name, plot_beside
from edgewise.common.terminal import number, print_table
from edgewise.systems.twin_trading.equilibrium import (
    CERTIFIED,
    SAME_PRICE,
    Mode,
    StackelbergEquilibrium,
    stackelberg_equilibrium,
)
from edgewise.systems.twin_trading.files import load_market
from edgewise.systems.twin_trading.market import Market

AT_BOUND = 1e-6
"""A price this close to a bound, as a part of it, is said to be there."""


@dataclass(frozen=True)
class Solve:
    """Find the Stackelberg equilibrium of a bandwidth market, and how much anyone could still gain by deviating.

    Attributes:
        instance: YAML file with satisfaction, sensitivity, social, cost, price_cap, payment_scale, leader_scale and, if wanted,
            delay (data_bits, cycles, deadline_s, cpu_hz, arrival_rate, service_rate, rate_per_bandwidth).
        mode: "stackelberg": leaders anticipate the followers' whole reaction; "paper": the fixed point of the paper's
            conditions, in which they take the social benefit as given.
        figure: image of the best responses. If None, beside the instance, ending in .png; another user's file there is not
            replaced.
        json: print JSON; remarks go to standard error.
    """

    instance: Path
    mode: Mode = "stackelberg"
    figure: Path | None = None
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Solve, args=words, prog="edgewise solve twin-trading")
    check_image_name("figure", options.figure)
    with jax.enable_x64(True):
        market = load_market(options.instance)
        solved = stackelberg_equilibrium(market, options.mode)
        if options.json:
            print(json.dumps(plain(solved)), flush=True)
        else:
            _show(market, solved)
        print("\n".join(remarks(market, solved)), file=sys.stderr if options.json else sys.stdout, flush=True)
        figure = plot_beside(options.figure, options.instance.with_suffix(".png"), _plot(market, solved))
    figure.report(options.json)
    return 0


def _plot(market: Market, solved: StackelbergEquilibrium) -> Callable[[Path], None]:
    def plot(path: Path) -> None:
        from edgewise.systems.twin_trading.curves import best_response_curves
        from edgewise.systems.twin_trading.figures import plot_best_responses

        plot_best_responses(solved, best_response_curves(market, solved.prices), path)

    return plot


def plain(solved: StackelbergEquilibrium) -> dict[str, Any]:
    """An equilibrium for JSON; a certificate that is infinite becomes null."""
    certificate = float(solved.certificate)
    return {
        "prices": solved.prices.tolist(),
        "demands": solved.demands.tolist(),
        "leader_utilities": solved.leader_utilities.tolist(),
        "follower_utilities": solved.follower_utilities.tolist(),
        "welfare": float(solved.welfare),
        "certificate": certificate if np.isfinite(certificate) else None,
        "mode": solved.mode,
    }


def remarks(market: Market, solved: StackelbergEquilibrium) -> Iterator[str]:
    """What a reader must know of the solution: whether it is one, whether there are others, and where it is at a bound."""
    certificate = float(solved.certificate)
    verdict = "nobody gains by deviating" if certificate < CERTIFIED else "NOT an equilibrium"
    if solved.mode == "paper":
        verdict += "; leaders ignore that followers influence each other"
    yield f"certificate: {certificate:.2e} of the largest utility: {verdict}"
    if market.delay is not None:
        yield "game: every follower must meet its delay limit (Problem 1), and may not opt out as in (20)"
    if not bool(solved.followers_unique):
        yield "social ties too strong: 2 diag(sensitivity) - social is not positive definite, demands have no unique equilibrium"
    for prices in _other_equilibria(solved):
        yield f"another equilibrium: prices {', '.join(f'{p:.4f}' for p in prices)}"
    prices, demands = np.asarray(solved.prices), np.asarray(solved.demands)
    yield from _listed("price at the cap: leader", prices >= float(market.price_cap) * (1 - AT_BOUND))
    yield from _listed("price at cost: leader", prices <= np.asarray(market.cost) * (1 + AT_BOUND))
    yield from _listed("delay limit binds: follower", np.asarray(solved.limited))
    yield from _listed("delay limit out of reach at these prices, buys nothing: follower", ~np.asarray(solved.feasible))
    yield from _listed("would rather opt out: follower", np.asarray(solved.follower_utilities) < 0)
    yield from _listed(
        "buys nothing from some leader: follower", (demands <= 0).any(axis=1) & np.asarray(solved.feasible)
    )


def _listed(text: str, chosen: np.ndarray) -> Iterator[str]:
    if chosen.any():
        yield f"{text} {', '.join(str(index + 1) for index in np.flatnonzero(chosen))}"


def _other_equilibria(solved: StackelbergEquilibrium) -> list[np.ndarray]:
    known = [np.asarray(solved.prices)]
    candidates = zip(np.asarray(solved.candidates), np.asarray(solved.candidate_certificates), strict=True)
    for prices, certificate in candidates:
        if certificate < CERTIFIED and all(np.abs(prices - other).max() >= SAME_PRICE for other in known):
            known.append(prices)
    return known[1:]


def _show(market: Market, solved: StackelbergEquilibrium) -> None:
    demands = np.asarray(solved.demands)
    columns = (market.cost, solved.prices, demands.sum(axis=0), solved.leader_utilities)
    leaders = zip(*(np.asarray(column) for column in columns), strict=True)
    rows = [(str(j), *(number(value, 4) for value in values)) for j, values in enumerate(leaders, 1)]
    print_table("leaders", ("leader", "cost", "price", "sold", "utility"), rows)
    names = (*(f"from {j + 1}" for j in range(market.leaders)), "total", "utility")
    followers = np.column_stack([demands, demands.sum(axis=1), solved.follower_utilities])
    rows = [(str(i), *(number(value, 4) for value in values)) for i, values in enumerate(followers, 1)]
    print_table("followers, demands in 1e7 Hz", ("follower", *names), rows)
    print(f"welfare: {number(float(solved.welfare), 4)}")

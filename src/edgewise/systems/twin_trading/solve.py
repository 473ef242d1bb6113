"""`edgewise solve twin-trading --instance FILE`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from edgewise.common.errors import ConfigurationError
from edgewise.systems.twin_trading.curves import best_response_curves
from edgewise.systems.twin_trading.equilibrium import (
    CERTIFIED,
    SAME_PRICE,
    Mode,
    StackelbergEquilibrium,
    stackelberg_equilibrium,
)
from edgewise.systems.twin_trading.figures import best_response_figure
from edgewise.systems.twin_trading.files import load_market
from edgewise.systems.twin_trading.market import Market

AT_BOUND = 1e-6


@dataclass(frozen=True)
class Solve:
    """Find the Stackelberg equilibrium of a bandwidth market, and how much anyone could still gain by deviating.

    Attributes:
        instance: YAML file with satisfaction, sensitivity, social, cost, price_cap, payment_scale, leader_scale and, if wanted,
            delay (data_bits, cycles, deadline_s, cpu_hz, arrival_rate, service_rate, rate_per_bandwidth).
        mode: "stackelberg": leaders anticipate the followers' whole reaction; "paper": the fixed point of the paper's
            conditions, in which they take the social benefit as given.
        figure: image of the best responses; none puts it beside the instance, ending in .png.
        json: print JSON; remarks go to standard error.
    """

    instance: Path
    mode: Mode = "stackelberg"
    figure: Path | None = None
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Solve, args=words, prog="edgewise solve twin-trading")
    if options.figure is not None and options.figure.suffix not in (".png", ".pdf", ".svg"):
        raise ConfigurationError("figure", str(options.figure), "a file name that ends in .png, .pdf or .svg")
    image = options.figure or options.instance.with_suffix(".png")
    with jax.enable_x64(True):
        market = load_market(options.instance)
        solved = stackelberg_equilibrium(market, options.mode)
        best_response_figure(solved, best_response_curves(market, solved.prices), image)
    if options.json:
        print(json.dumps(plain(solved)))
        print("\n".join(remarks(market, solved)), file=sys.stderr)
    else:
        _show(market, solved)
        print("\n".join(remarks(market, solved)))
        print(f"figure: {image}")
    return 0


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
    leaders = _table("leaders", ("leader", "cost", "price", "sold", "utility"))
    sold = np.asarray(solved.demands).sum(axis=0)
    columns = (market.cost, solved.prices, sold, solved.leader_utilities)
    for j, values in enumerate(zip(*(np.asarray(column) for column in columns), strict=True)):
        leaders.add_row(str(j + 1), *(f"{value:.4f}" for value in values))
    names = tuple(f"from {j + 1}" for j in range(market.leaders))
    followers = _table("followers, demands in 1e7 Hz", ("follower", *names, "total", "utility"))
    for i, row in enumerate(np.asarray(solved.demands)):
        cells = (*row, row.sum(), float(solved.follower_utilities[i]))
        followers.add_row(str(i + 1), *(f"{value:.4f}" for value in cells))
    console = Console()
    needed = max(Console(width=1000).measure(table).maximum for table in (leaders, followers))
    console = Console(width=max(console.width, needed))
    console.print(leaders)
    console.print(followers)
    print(f"welfare: {float(solved.welfare):.4f}")


def _table(title: str, columns: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name in ("leader", "follower") else "right", no_wrap=True)
    return table

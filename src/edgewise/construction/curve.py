"""Quality over rounds, measured: honest runs, the fit of equation (1) of the EDMSAC paper, and what a promise must give."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy import interpolate, optimize, stats

from edgewise.common.errors import ConfigurationError, EdgewiseError, check_integer, check_range, read_from
from edgewise.common.files import told
from edgewise.common.plain import from_plain
from edgewise.construction.kind import MODULES, Data, ModuleKind, Weights
from edgewise.drawing.style import BLUE, GREY, VERMILION, new_figure, styled
from edgewise.statistics.estimates import CONFIDENCE, Estimate

ROUNDS = (0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 80, 100)
"""Rounds after which quality is measured; 100 is the most that the paper's menus ask for."""
EXAMPLES, HIDDEN = 1024, 1024
"""Examples of an honest run, and of what it is measured on."""
RESAMPLES = 500
"""Samples of the bootstrap over runs: the ends of an interval vary by a tenth of its width."""
GRID = np.geomspace(1e-6, 10.0, 4000)
"""Constants per round among which the fitted one lies: quality is not there after a million rounds, or is after one; half a
percent apart."""
REFUSED = 0.01
"""Part of the honest modules whose quality may fall short by chance."""


@dataclass(frozen=True)
class Curve:
    """Quality of a kind of module over rounds.

    Attributes:
        kind: name under which it is registered.
        rounds: at which it was measured, rising, 0 first.
        qualities: of each run at those rounds, [runs][rounds].
        rate: the a of Q = 1 - exp(-a T), per round: (1) with (2 - L) delta epsilon / 2 = a / ln 2.
        low, high: 95% interval of it over runs.
        r2: part of the variance of all measurements that the fit explains; below 0 where their mean explains more.
        examples: of a run.
    """

    kind: str
    rounds: tuple[float, ...]
    qualities: tuple[tuple[float, ...], ...]
    rate: float
    low: float
    high: float
    r2: float
    examples: int = EXAMPLES

    def __post_init__(self) -> None:
        _check(self.rounds, self.qualities)
        check_range("rate", self.rate, 0)
        check_integer("examples", self.examples, 1)

    @property
    def estimate(self) -> Estimate:
        """The fitted constant with its interval."""
        return Estimate(self.rate, self.low, self.high)

    def modelled(self, rounds: float) -> float:
        """Quality by (1) with the fitted constant."""
        return float(-np.expm1(-self.rate * rounds))

    def expected(self, rounds: float) -> float:
        """Mean quality of honest runs, straight between measurements."""
        return float(np.interp(rounds, self.rounds, np.mean(self.qualities, axis=0)))

    @cached_property
    def _through(self) -> interpolate.PchipInterpolator:
        return interpolate.PchipInterpolator(self.rounds, self.qualities, axis=1)

    def smooth(self, rounds: ArrayLike) -> Float[np.ndarray, _ * shape]:
        """Quality of each honest run by a monotone cubic through its measurements, whose slope is that of the curve."""
        found: np.ndarray = self._through(np.minimum(rounds, self.rounds[-1]))
        return found

    def least(self, rounds: float, examples: int) -> float:
        """Quality that a module of so many rounds has, but for chance: the low end of a prediction interval for a further run.

        Args:
            rounds: T that were promised.
            examples: on which its quality is measured; few of them leave more to chance.
        """
        among, sample = self._chance(rounds, examples)
        of_runs = stats.t.ppf(1 - REFUSED, len(self.qualities) - 1) * among
        return self.expected(rounds) - float(np.hypot(of_runs, stats.norm.ppf(1 - REFUSED) * sample))

    def deviation(self, rounds: float, examples: int) -> float:
        """Standard deviation of the measured quality of a further honest run around `expected`; arguments as of `least`."""
        return float(np.hypot(*self._chance(rounds, examples)))

    def _chance(self, rounds: float, examples: int) -> tuple[float, float]:
        """Deviations of a further run, of which few runs tell little, and of a sample."""
        mean, runs = self.expected(rounds), len(self.qualities)
        among = float(np.interp(rounds, self.rounds, np.std(self.qualities, axis=0, ddof=1)))
        return float(among * np.sqrt(1 + 1 / runs)), float(np.sqrt(mean * (1 - mean) / examples))


def measure(
    kind: str,
    servers: Sequence[tuple[tuple[str, ...], str]],
    seed: int = 0,
    rounds: Sequence[int] = ROUNDS,
    examples: int = EXAMPLES,
    hidden: int = HIDDEN,
    apart: bool = False,
) -> Curve:
    """Build modules honestly, and measure them on the way.

    Args:
        kind: name under which it is registered.
        servers: apps and language of each run.
        seed: of the data and the initial weights; the hidden data have apps and a seed that no server has.
        rounds: at which quality is measured, 0 first.
        examples: of a run.
        hidden: examples on which quality is measured.
        apart: whether each run begins from initial weights of its own, as those of a construction do where `Terms.apart` says so.

    Raises:
        ConfigurationError: for fewer than two runs, or rounds that do not rise from 0.
    """
    if len(servers) < 2:
        raise ConfigurationError("servers", len(servers), "2 or more: an interval is over runs")
    of = MODULES.find(kind)
    check_integer("hidden", hidden, 1)
    measured_on = of.draw_data(("hidden-1", "hidden-2", "hidden-3", "hidden-4"), hidden, seed + 1_000_000, "mixed")
    runs = []
    for number, (apps, language) in enumerate(servers):
        data = of.draw_data(apps, examples, seed + number, language)
        runs.append(run(of, of.initial(seed + number if apart else seed), data, measured_on, seed + number, rounds))
    return fit(kind, rounds, runs, examples, seed)


def run(
    of: ModuleKind, weights: Weights, data: Data, measured_on: Data, seed: int, rounds: Sequence[int] = ROUNDS
) -> list[float]:
    """Qualities of one honest run after so many rounds.

    Args:
        of: the kind.
        weights: to begin with.
        data: of the server.
        measured_on: hidden data.
        seed: of the run, which its rounds have seeds of their own by.
        rounds: at which quality is measured, rising, 0 first.
    """
    found = []
    for done in range(max(rounds) + 1):
        if done in rounds:
            found.append(of.evaluate(weights, measured_on))
        if done < max(rounds):
            weights, _ = of.train_round(weights, data, 1000 * seed + done)
    return found


def fit(
    kind: str, rounds: Sequence[float], qualities: Sequence[Sequence[float]], examples: int = EXAMPLES, seed: int = 0
) -> Curve:
    """Fit the constant of (1) by least squares, with a bootstrap interval over runs.

    Args:
        kind: that was measured.
        rounds: at which, rising from 0.
        qualities: in [0, 1], [runs][rounds].
        examples: of a run.
        seed: of the bootstrap.

    Raises:
        ConfigurationError: for rounds or qualities that are none.
    """
    _check(rounds, qualities)
    at, found = np.asarray(rounds, float), np.asarray(qualities, float)
    rate = _least_squares(at, found.mean(0))
    chosen = np.random.default_rng(seed).integers(len(found), size=(RESAMPLES, len(found)))
    drawn = GRID[_nearest(at, found[chosen].mean(1))]
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    wrong = ((found - -np.expm1(-rate * at)) ** 2).sum()
    spread = ((found - found.mean()) ** 2).sum()
    r2 = 1 - wrong / spread if spread > 0 else 0.0
    plain = tuple(map(tuple, found.tolist()))
    return Curve(kind, tuple(at.tolist()), plain, rate, float(low), float(high), float(r2), examples)


def _check(rounds: Sequence[float], qualities: Sequence[Sequence[float]]) -> None:
    """Require rounds that rise from 0, and the qualities of two runs or more at them.

    Raises:
        ConfigurationError: naming what is something else.
    """
    if len(rounds) < 2 or rounds[0] != 0 or any(before >= after for before, after in itertools.pairwise(rounds)):
        raise ConfigurationError("rounds", rounds, "numbers that rise from 0")
    lengths = tuple(map(len, qualities))
    if len(lengths) < 2 or set(lengths) != {len(rounds)}:
        raise ConfigurationError("qualities", lengths, f"2 runs or more of {len(rounds)} qualities")
    check_range("qualities", qualities, 0, 1)


def _least_squares(at: Float[np.ndarray, " t"], quality: Float[np.ndarray, " t"]) -> float:
    """The a for which 1 - exp(-a T) is nearest: the best of the grid, refined between its neighbours."""

    def wrong(rate: float) -> float:
        return float(((quality + np.expm1(-rate * at)) ** 2).sum())

    best = int(_nearest(at, quality[None])[0])
    ends = GRID[max(best - 1, 0)], GRID[min(best + 1, len(GRID) - 1)]
    return float(optimize.minimize_scalar(wrong, bounds=ends, method="bounded", options={"xatol": 1e-9}).x)


def _nearest(at: Float[np.ndarray, " t"], qualities: Float[np.ndarray, "n t"]) -> Int[np.ndarray, " n"]:
    """Places in the grid of the constants that are nearest to each of several curves."""
    modelled = -np.expm1(-GRID[:, None] * at)
    return ((modelled**2).sum(-1) - 2 * qualities @ modelled.T).argmin(-1)


def epsilon_of(rate: float, delta: float, lipschitz: float) -> float:
    """The epsilon that gives (1) the constant `rate`, with L delta in place of L as (41) has it, delta and L as they are."""
    check_range("rate", rate, 0, open_low=True)
    return 2 * rate / (np.log(2) * (2 - lipschitz * delta) * delta)


def shipped(examples: int = EXAMPLES) -> dict[str, Curve]:
    """Curves that were measured for the kinds of the package, by name; those of other kinds are to be measured.

    Args:
        examples: of a round; curves of other numbers are left out.
    """
    return {curve.kind: curve for curve in _shipped() if curve.examples == examples}


@lru_cache(maxsize=1)
def _shipped() -> tuple[Curve, ...]:
    with resources.as_file(resources.files("edgewise.construction") / "data" / "curves.json") as path:
        return load_curves(path)


def load_curves(path: Path) -> tuple[Curve, ...]:
    """Curves of a file, as `edgewise construct calibrate` writes it.

    Raises:
        EdgewiseError: if it cannot be read.
        ConfigurationError: naming the file, the field, its value and what is allowed.
    """
    try:
        plain = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise EdgewiseError(told(error) if isinstance(error, OSError) else f"{path}: is no JSON") from None
    with read_from(path):
        if not isinstance(plain, dict):
            raise ConfigurationError("curves", type(plain).__name__, "an object of curves by name")
        return tuple(from_plain(Curve, values) for values in plain.values())


@styled()
def plot_curves(curves: Mapping[str, Curve], paper: float) -> tuple[Figure, pd.DataFrame]:
    """Measured quality over rounds, the fit of (1), and the paper's curve, a panel for each kind.

    Args:
        curves: by kind, at least one.
        paper: the paper's constant per round.

    Returns:
        The figure, and its data: a row for each kind and number of rounds.
    """
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    figure, axes = new_figure(max(2.5 * columns, 5.0), 2.4 * rows + 0.3, rows, columns)
    for each, panel in zip(curves.values(), axes.ravel(), strict=False):
        at, found = np.linspace(0, max(each.rounds), 200), np.asarray(each.qualities)
        panel.plot(each.rounds, found.mean(0), "o", color=BLUE, markersize=3.5, label="measured, mean and range")
        panel.fill_between(each.rounds, found.min(0), found.max(0), color=BLUE, alpha=0.15, linewidth=0)
        panel.plot(at, -np.expm1(-each.rate * at), color=VERMILION, label="(1), fitted")
        panel.plot(at, -np.expm1(-paper * at), color=GREY, linestyle="--", label="(1), the paper's constant")
        panel.set_title(f"{each.kind}, R² = {each.r2:.2f}\na = {each.rate:.3g} [{each.low:.3g}, {each.high:.3g}]")
        panel.set_ylim(0, 1.02)
        panel.set_xlabel("rounds")
    for panel in axes.ravel()[len(curves) :]:
        panel.set_axis_off()
    axes[0, 0].set_ylabel("quality")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure, _tidy(curves, paper)


def _tidy(curves: Mapping[str, Curve], paper: float) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "kind": each.kind,
                "rounds": at,
                "measured": float(np.mean(found)),
                "low": float(np.min(found)),
                "high": float(np.max(found)),
                "fitted": each.modelled(at),
                "paper": float(-np.expm1(-paper * at)),
            }
            for each in curves.values()
            for at, found in zip(each.rounds, np.transpose(each.qualities), strict=True)
        ]
    )

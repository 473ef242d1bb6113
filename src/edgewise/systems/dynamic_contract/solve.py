"""`edgewise solve dynamic-contract --instance FILE`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from edgewise.common.by_products import check_image_name, plot_beside
from edgewise.common.terminal import number, print_table
from edgewise.systems.dynamic_contract.files import Instance, load_instance
from edgewise.systems.dynamic_contract.optimum import Mode
from edgewise.systems.dynamic_contract.solution import Solution, solve, solve_side_by_side
from edgewise.systems.dynamic_contract.theory import Failure

SHOWN = 3
"""Failed constraints that are told one by one."""
ROUNDING = 1e-9
"""Slacks smaller than this part of the cost of `max_rounds` rounds are rounding errors, printed as 0."""
STATIC: tuple[Mode, bool] = ("feasible", True)


@dataclass(frozen=True)
class Solve:
    """Design the best two-period menu of (training rounds, reward) for servers whose willingness is hidden.

    Attributes:
        instance: YAML file with servers, alpha, beta, unit_cost, power_dbm, rate_mbps, integration_energy, p1, p2, theta1,
            theta2 and, if wanted, hardware, mode, shared.
        mode: "feasible" takes the rewards of the paper's theorems and requires every constraint; "joint" chooses rewards
            freely; "paper" asks only what the theorems ask, and may miss constraints. If None, the instance's.
        figure: image of the menu. If None, beside the instance, ending in .png; another user's file there is not replaced.
        json: print JSON.
    """

    instance: Path
    mode: Mode | None = None
    figure: Path | None = None
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Solve, args=words, prog="edgewise solve dynamic-contract")
    check_image_name("figure", options.figure)
    instance = load_instance(options.instance)
    if options.mode is not None:
        instance = dataclasses.replace(instance, mode=options.mode)
    if options.json:
        solution = solve(instance)
        print(json.dumps(solution.plain()), flush=True)
    else:
        solution = _show(instance)
    figure = plot_beside(options.figure, options.instance.with_suffix(".png"), _plot(instance, solution))
    figure.report(options.json)
    return 0


def _plot(instance: Instance, solution: Solution) -> Callable[[Path], None]:
    def plot(path: Path) -> None:
        from edgewise.systems.dynamic_contract.figures import plot_menu

        plot_menu(instance, solution, path)

    return plot


def _show(instance: Instance) -> Solution:
    """Print the menu of an instance, what proves it, and what other schemes would earn; return the menu."""
    mine: tuple[Mode, bool] = (instance.mode, instance.shared)
    other: tuple[Mode, bool] = ("feasible" if instance.mode == "paper" else "paper", instance.shared)
    choices = list(dict.fromkeys((mine, STATIC, other)))
    solved = dict(zip(choices, solve_side_by_side(instance.network(), choices), strict=True))
    solution = solved[mine]
    _show_menu(instance, solution)
    _show_profits(solution, solved[STATIC].profit)
    print_table(
        "least slack of each group of constraints, in utility",
        ("constraints", "slack"),
        [(name.replace("_", " "), _slack(slack, solution.scale)) for name, slack in solution.slacks.items()],
    )
    print("\n".join(_remarks(instance, solution, solved[other])), flush=True)
    return solution


def _show_menu(instance: Instance, solution: Solution) -> None:
    rows = []
    first, second = zip(solution.rounds, solution.rewards, solution.utilities, strict=True)
    for k, probability in enumerate(instance.p1):
        cells = [number(values[k], 3) for values in first]
        rows.append(("1", "", f"{k + 1} ({instance.theta1[k]:g})", number(probability, 3), *cells))
    for k, row in enumerate(instance.p2):
        for j, probability in enumerate(row):
            cells = [number(values[k, j], 3) for values in second]
            rows.append(("2", f"{k + 1}", f"{j + 1} ({instance.theta2[j]:g})", number(probability, 3), *cells))
    columns = ("period", "type before", "type", "probability", "rounds", "reward", "utility")
    print_table(f"menu, mode {instance.mode}", columns, rows, words=("type before", "type"), keys=3)


def _show_profits(solution: Solution, static: float) -> None:
    periods = enumerate(solution.period_profits, 1)
    profits = {
        "this menu": solution.profit,
        "upper bound of the mode": solution.upper_bound,
        **{f"this menu, period {period} before discounting": profit for period, profit in periods},
        "static contract in each period": static,
        "types known to the cloud server": solution.first_best,
    }
    rows = [(name, number(profit, 6)) for name, profit in profits.items()]
    print_table("profit of the cloud server", ("what", "profit"), rows)


def _slack(slack: float | None, scale: float) -> str:
    if slack is None:
        return "none"
    return f"{0.0 if abs(slack) < ROUNDING * scale else slack:.6g}"


def _remarks(instance: Instance, solution: Solution, other: Solution) -> Iterator[str]:
    """Whether the menu holds; that of the paper's theorems, if it would not, or beside it the best one that does."""
    yield from _verdict("this menu", solution.failed)
    if instance.mode == "paper" and _binding(solution.failed):
        yield f"best feasible menu: profit {other.profit:.6f} (mode feasible)"
    if instance.mode != "paper" and _binding(other.failed):
        yield from _verdict(f"the menu of Theorems 1 and 3 word for word (profit {other.profit:.6f})", other.failed)


def _binding(failed: Sequence[Failure]) -> list[Failure]:
    return [failure for failure in failed if not failure.group.startswith("monotonicity")]


def _verdict(name: str, failed: Sequence[Failure]) -> Iterator[str]:
    broken = _binding(failed)
    if not broken:
        yield f"{name} is feasible: every server takes part and tells its type"
        return
    yield f"{name} is NOT feasible: {len(broken)} constraint{'s' * (len(broken) != 1)} fail{'s' * (len(broken) == 1)}"
    for failure in sorted(broken, key=lambda failure: -failure.shortfall)[:SHOWN]:
        place = ", ".join(map(str, failure.place))
        yield f"  {failure.group.replace('_', ' ')} of types ({place}) by {failure.shortfall:.6g}"

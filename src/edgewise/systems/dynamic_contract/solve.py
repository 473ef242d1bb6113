"""`edgewise solve dynamic-contract --instance FILE`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from edgewise.common.errors import ConfigurationError
from edgewise.systems.dynamic_contract.figures import menu_figure
from edgewise.systems.dynamic_contract.files import Instance, load_instance
from edgewise.systems.dynamic_contract.optimum import Mode
from edgewise.systems.dynamic_contract.solution import Solution, first_best_profit, solve
from edgewise.systems.dynamic_contract.theory import Failure

SHOWN = 3
"""Failed constraints that are told one by one."""


@dataclass(frozen=True)
class Solve:
    """Design the best two-period menu of (training rounds, reward) for servers whose willingness is hidden.

    Attributes:
        instance: YAML file with servers, alpha, beta, unit_cost, power_dbm, rate_mbps, integration_energy, p1, p2, theta1,
            theta2 and, if wanted, hardware, mode, shared.
        mode: "feasible" takes the rewards of the paper's theorems and requires every constraint; "joint" chooses rewards
            freely; "paper" asks only what the theorems ask, and may miss constraints; none takes the instance's.
        figure: image of the menu; none puts it beside the instance, ending in .png.
        json: print JSON.
    """

    instance: Path
    mode: Mode | None = None
    figure: Path | None = None
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Solve, args=words, prog="edgewise solve dynamic-contract")
    if options.figure is not None and options.figure.suffix not in (".png", ".pdf", ".svg"):
        raise ConfigurationError("figure", str(options.figure), "a file name that ends in .png, .pdf or .svg")
    instance = load_instance(options.instance)
    if options.mode is not None:
        instance = dataclasses.replace(instance, mode=options.mode)
    solution = solve(instance)
    image = options.figure or options.instance.with_suffix(".png")
    menu_figure(instance, solution, image)
    if options.json:
        print(json.dumps(solution.plain()))
    else:
        _show(instance, solution)
        print(f"figure: {image}")
    return 0


def _show(instance: Instance, solution: Solution) -> None:
    console = Console(width=max(Console().width, 100))
    console.print(_menu(instance, solution))
    console.print(_profits(instance, solution))
    console.print(_slacks(solution))
    for line in _remarks(instance, solution):
        print(line)


def _menu(instance: Instance, solution: Solution) -> Table:
    table = _table(f"menu, mode {instance.mode}", ("period", "type before", "type", "probability"))
    for name in ("rounds", "reward", "utility"):
        table.add_column(name, justify="right")
    first, second = zip(solution.rounds, solution.rewards, solution.utilities, strict=True)
    for k, probability in enumerate(instance.p1):
        cells = [f"{values[k]:.3f}" for values in first]
        table.add_row("1", "", f"{k + 1} ({instance.theta1[k]:g})", f"{probability:.3f}", *cells)
    for k, row in enumerate(instance.p2):
        for j, probability in enumerate(row):
            cells = [f"{values[k, j]:.3f}" for values in second]
            table.add_row("2", f"{k + 1}", f"{j + 1} ({instance.theta2[j]:g})", f"{probability:.3f}", *cells)
    return table


def _profits(instance: Instance, solution: Solution) -> Table:
    table = _table("profit of the cloud server", ("what",))
    table.add_column("profit", justify="right")
    table.add_row("this menu", f"{solution.profit:.6f}")
    table.add_row("upper bound of the mode", f"{solution.upper_bound:.6f}")
    for period, profit in enumerate(solution.period_profits, 1):
        table.add_row(f"this menu, period {period} before discounting", f"{profit:.6f}")
    static = solve(dataclasses.replace(instance, mode="feasible", shared=True))
    table.add_row("static contract in each period", f"{static.profit:.6f}")
    table.add_row("types known to the cloud server", f"{first_best_profit(instance.network()):.6f}")
    return table


def _slacks(solution: Solution) -> Table:
    table = _table("least slack of each group of constraints, in utility", ("constraints",))
    table.add_column("slack", justify="right")
    for name, slack in solution.slacks.items():
        table.add_row(name.replace("_", " "), "none" if slack is None else f"{slack:.6g}")
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    return table


def _remarks(instance: Instance, solution: Solution) -> Iterator[str]:
    """Whether the menu holds, and whether that of the paper's theorems would."""
    if instance.mode == "paper":
        best = solve(dataclasses.replace(instance, mode="feasible"))
        yield from _verdict("this menu", solution.failed)
        if _binding(solution.failed):
            yield f"best feasible menu: profit {best.profit:.6f} (mode feasible)"
        return
    yield from _verdict("this menu", solution.failed)
    paper = solve(dataclasses.replace(instance, mode="paper"))
    if _binding(paper.failed):
        yield from _verdict(f"the menu of Theorems 1 and 3 word for word (profit {paper.profit:.6f})", paper.failed)


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

"""What holds for every paper: results keep their addresses, and claims and figures compute nothing anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgewise
from edgewise.experiments.catalogue import find_paper
from edgewise.experiments.experiment import Experiment, Plan

PAPERS = Path(edgewise.__file__).parent / "papers"
COMPUTING = ("probes", "experiments", "paper")
"""Modules of a paper that say what is computed, or how; all others make claims and figures of results."""
PURE = sorted(path for name in ("cgdm", "d2sac") for path in PAPERS.glob(f"{name}/*.py") if path.stem not in COMPUTING)
HEAVY = ("jax", "equinox", "optax")
LAYERS = ("numerics", "networks", "diffusion", "environments", "policies", "algorithms", "training", "execution")
DRAWN = ("reputation_figure",)
"""Modules of systems that draw data, and compute nothing."""
ADDRESSES = {
    ("cgdm", "fig7", "paper", "150", "CGDM"): "c6ccec69837b401b",
    ("cgdm", "fig4", "quick", "default", "5"): "77df8eba235a4d5b",
    ("cgdm", "fig10", "paper", "attack", "nearest-next"): "b355a9352a8f89b0",
    ("d2sac", "fig6", "paper", "0.002", "SAC, same settings"): "94573f9231aee519",
    ("d2sac", "fig9", "quick", "default", "0.05"): "ff764ab845f0d036",
    ("d2sac", "table3", "paper", "default", "bound"): "3db1edd66f774885",
    ("edmsac", "fig7", "paper", "default", "M = 6"): "7f42a46f46d44a41",
    ("edmsac", "fig9", "quick", "N = 12, alpha = 200, beta = 0.5", "EDMSAC"): "229677e2eb95d9bf",
    ("malppo", "fig4", "paper", "the paper's case", "MAPPO"): "aa695713cdd6c466",
    ("malppo", "fig8", "quick", "c1 = 0.3", "MALPPO"): "1480a4db6ff2444a",
}
"""By paper, experiment, profile, setting and policy: where results of before lie, and must be found."""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def computes(module: str) -> bool:
    """Whether a module that is imported could train, play, solve or compile."""
    first, *rest = module.split(".")
    if first != "edgewise":
        return first in HEAVY
    if rest[0] == "systems":
        return not any(name in rest for name in DRAWN)
    return rest[0] in LAYERS or (rest[0] == "papers" and rest[2] in COMPUTING)


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(PAPERS)))
def test_claims_and_figures_see_results_alone(path: Path) -> None:
    assert [module for module in imported(path) if computes(module)] == []


def test_what_computes_is_seen() -> None:
    wrong = ("jax.numpy", "edgewise.training.run.train", "edgewise.papers.cgdm.probes.reputations")
    assert all(computes(module) for module in (*wrong, "edgewise.systems.twin_trading.equilibrium.solve"))
    assert not any(computes(module) for module in ("numpy", "edgewise.drawing.panels.Line"))


@pytest.mark.parametrize("paper", ["cgdm", "d2sac", "edmsac", "malppo"])
def test_a_paper_has_what_it_lists(paper: str) -> None:
    found = find_paper(paper)
    experiments = found.find(["all"])
    assert all(isinstance(experiment, Experiment) for experiment in experiments)
    assert {experiment.name: experiment.title for experiment in experiments} == found.titles
    for experiment in experiments:
        plans = [Plan.of(experiment, profile) for profile in found.profiles.values()]
        assert all(len({probe.address for probe in plan.probes.values()}) == len(plan.probes) for plan in plans)


@pytest.mark.parametrize("key", ADDRESSES, ids=" ".join)
def test_results_of_before_are_found(key: tuple[str, ...]) -> None:
    paper, name, profile, setting, label = key
    [experiment] = find_paper(paper).find([name])
    cells = experiment.cells(find_paper(paper).profile(profile))
    [planned] = [each for each in cells if (each.setting.label, each.label) == (setting, label)]
    assert planned.cell.address == ADDRESSES[key]

"""What holds for every paper: results keep their addresses, and claims and figures compute nothing anew."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgewise
from edgewise.algorithms.registry import find_algorithm
from edgewise.cli import main
from edgewise.common.errors import EdgewiseError
from edgewise.environments import registry
from edgewise.environments.host.system import is_host
from edgewise.experiments.catalogue import CATALOGUE, Paper, find_paper, register_paper
from edgewise.experiments.comparison import Comparison
from edgewise.experiments.experiment import Experiment, Plan
from edgewise.experiments.profile import Profile
from edgewise.experiments.setting import Setting

PAPERS = Path(edgewise.__file__).parent / "papers"
COMPUTING = ("probes", "experiments", "paper", "references")
"""Modules of a paper that say what is computed, or how; all others make claims and figures of results."""
PURE = sorted(path for path in PAPERS.glob("*/*.py") if path.stem not in COMPUTING)
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
        assert all(len(probe.address) == 16 for plan in plans for probe in plan.probes.values())


@pytest.mark.parametrize("key", ADDRESSES, ids=" ".join)
def test_results_of_before_are_found(key: tuple[str, ...]) -> None:
    paper, name, profile, setting, label = key
    [experiment] = find_paper(paper).find([name])
    cells = experiment.cells(find_paper(paper).profile(profile))
    [planned] = [each for each in cells if (each.setting.label, each.label) == (setting, label)]
    assert planned.cell.address == ADDRESSES[key]


PACKAGE = """
from edgewise.experiments.catalogue import Paper
from edgewise.experiments.profile import Profile

PAPER = Paper({"load": "Reward under load"}, {"small": Profile("small", 1, 1, 1, 1)}, "package_of_mine.load:EXPERIMENTS")
"""


def test_a_paper_of_another_package_is_listed_without_loading_its_experiments(tmp_path: Path) -> None:
    (tmp_path / "papers_of_mine.py").write_text(PACKAGE)
    installed = tmp_path / "mine-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[edgewise.papers]\nmine = papers_of_mine:PAPER\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    listed = subprocess.run(
        [sys.executable, "-m", "edgewise", "list", "--json"], env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(listed.stdout)["experiments"]["mine"] == {"load": "Reward under load"}


def test_a_paper_of_a_script_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = Setting("x", "service-selection", {"tasks": 5, "providers": 3})
    load = Experiment("load", "Load", (setting,), (), ("random", "prophet"), Comparison("return", "reward"))
    monkeypatch.setattr(CATALOGUE, "_registered", {})
    register_paper("mine", Paper.of([load], [Profile("small", 1, 1, 1, episodes=2)]))
    words = ["--out", str(tmp_path / "out"), "--cells", str(tmp_path / "cells")]
    assert main(["experiment", "mine", "load", *words]) == 0
    assert "| prophet | x |" in capsys.readouterr().out
    assert (tmp_path / "out" / "load" / "README.md").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--profile", "papr"], "profile = 'papr': must be one of quick, brief, ten-seeds, paper; did you mean paper?"),
        (["fig99"], "experiment = 'fig99': must be one of fig3"),
    ],
)
def test_a_name_that_does_not_exist_is_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "cgdm", "fig3", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_title_without_an_experiment_is_told() -> None:
    paper = Paper({"a": "A"}, {}, {"b": None})
    with pytest.raises(EdgewiseError, match="has no experiment a, which has a title"):
        paper.find(["a"])


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_every_learner_of_an_experiment_can_learn_there(name: str) -> None:
    paper = find_paper(name)
    profile = Profile("one", steps=100_000, seeds=1, evaluations=1, episodes=1)
    runs = [
        learner.run(experiment.trained_in or experiment.settings[0], profile)
        for experiment in paper.find(list(paper.titles))
        if isinstance(experiment, Experiment)
        for learner in experiment.learners
    ]
    here = [run for run in runs if not is_host(run.environment)]
    assert here
    systems = {repr(run.environment_config): run for run in here}
    spaces = {key: registry.find(run.environment).build(run.environment_config).spaces for key, run in systems.items()}
    for run in here:
        entry = find_algorithm(run.algorithm)
        assert entry.build(run.algorithm_config, spaces[repr(run.environment_config)], updates=1)

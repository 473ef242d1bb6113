"""The report of a run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from edgewise.algorithms.cgdm import CGDMConfig
from edgewise.common.errors import EdgewiseError
from edgewise.drawing.style import new_figure, save_figure, spread_labels
from edgewise.environments.system import Headline
from edgewise.reports.run import write_report
from edgewise.reports.run_figures import comparison_figure, learning_curve
from edgewise.statistics.judgement import Judgement
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.training.off_policy import OffPolicyConfig
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig

HEADLINE = Headline("latency", "total latency", "s per slot")


def judged(name: str, mean: float, seeds: int = 1) -> Judgement:
    values = mean + np.linspace(-1, 1, 8 * seeds).reshape(seeds, 8)
    return Judgement(name, {"latency": values, "return": -values}, reference=seeds == 1)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    config = RunConfig(
        "agent-migration",
        AgentMigrationConfig(vehicles=3, rsus=2, slots=6, attacked_rsus=2, attack_frequency=1.0),
        "cgdm",
        CGDMConfig(hidden=(16, 16), batch_size=16),
        OffPolicyConfig(steps=200, environments=4, warmup_steps=40, evaluations=2, evaluation_episodes=3, seeds=2),
    )
    train(folder, config, lambda done, text: None)
    return write_report(folder)


def test_page_is_self_contained_and_complete(report: Path) -> None:
    page = report.read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 4
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "<script" not in page
    for said in (
        "CGDM: total latency",
        "less than random decisions",
        "look-ahead",
        "attack_frequency: 1.0",
        "updates per seed",
    ):
        assert said in page


def test_every_figure_has_its_data(report: Path) -> None:
    names = {"learning", "map", "reputation", "latency"}
    assert {path.stem for path in report.parent.glob("*.png")} == names
    assert {path.stem for path in report.parent.glob("*.csv")} == names
    reputation = pd.read_csv(report.parent / "reputation.csv")
    assert len(reputation) == 6 * 2
    assert reputation["attacked"].any()
    assert (reputation["lowest"] <= reputation["mean"]).all()
    latency = pd.read_csv(report.parent / "latency.csv").set_index("policy")
    totals = latency.sum(axis=1)
    assert totals.is_monotonic_increasing
    assert {"cgdm", "random", "oracle"} <= set(latency.index)
    page = report.read_text()
    assert f"<td>{totals['random']:.1f}</td>" in page


def test_learning_curve_draws_what_it_is_given() -> None:
    metrics = pd.DataFrame({"steps": [10, 10, 20, 20], "seed": [0, 1, 0, 1], "latency": [5.0, 7.0, 3.0, 5.0]})
    axes = learning_curve(metrics, HEADLINE, {"random": 9.0}, 1.0).axes[0]
    drawn = [list(line.get_ydata()) for line in axes.lines]
    assert [6.0, 4.0] in drawn
    assert [5.0, 3.0] in drawn
    assert [9.0, 9.0] in drawn
    assert "bound 1.0" in [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_comparison_figure_is_written(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "new" / f"figure.{ending}"
    comparison_figure([judged("ours", 3.0, seeds=3), judged("random", 9.0)], HEADLINE, path)
    assert path.stat().st_size > 1000


def test_a_pdf_has_fonts_that_publishers_take_and_no_date(tmp_path: Path) -> None:
    pages = []
    for name in ("one.pdf", "two.pdf"):
        figure, grid = new_figure(3, 2)
        grid[0, 0].set_xlabel("test latency (s per slot)")
        save_figure(figure, tmp_path / name)
        pages.append((tmp_path / name).read_bytes())
    assert b"/Type0" in pages[0]
    assert b"/Type3" not in pages[0]
    assert pages[0] == pages[1]


def test_a_figure_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EdgewiseError, match="cannot be written"):
        comparison_figure([judged("ours", 3.0)], HEADLINE, tmp_path / "file" / "figure.png")


def test_labels_are_spread_in_order() -> None:
    placed = spread_labels([5.0, 5.1, 1.0, 5.05], 1.0)
    assert np.diff(np.sort(placed)).min() > 0.99
    assert list(np.argsort(placed)) == [2, 0, 3, 1]

"""The report of a run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from edgewise.common.errors import EdgewiseError
from edgewise.drawing.style import new_figure, save_figure, spread_labels
from edgewise.environments.system import Headline, System
from edgewise.reports.run import standing, write_report
from edgewise.reports.run_figures import comparison_figure, learner_figure, learning_curve
from edgewise.statistics.judgement import Judgement
from edgewise.training.run import train
from pictures import shows_something
from test_training import RUN

HEADLINE = Headline("latency", "total latency", "s per slot")


def judged(name: str, mean: float, seeds: int = 1) -> Judgement:
    values = mean + np.linspace(-1, 1, 8 * seeds).reshape(seeds, 8)
    return Judgement(name, {"latency": values, "return": -values}, reference=seeds == 1)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    config = replace(RUN, environment_config=replace(RUN.environment_config, attacked_rsus=2, attack_frequency=1.0))
    train(folder, config, lambda done, text: None)
    return write_report(folder)


@pytest.mark.slow
def test_page_is_self_contained_and_complete(report: Path) -> None:
    page = report.read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 5
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "<script" not in page
    for said in (
        "CGDM: total latency",
        "less than random decisions",
        "look-ahead",
        "far-sighted-look-ahead",
        "attack_frequency: 1.0",
        "updates per seed",
        "edgewise train --config",
        "test at the end of training",
        "over training seeds for the learned policy",
    ):
        assert said in page


@pytest.mark.slow
def test_every_figure_has_its_data(report: Path) -> None:
    names = {"learning", "learner", "map", "reputation", "latency"}
    assert {path.stem for path in report.parent.glob("*.png")} == names
    assert {path.stem for path in report.parent.glob("*.csv")} == names
    reputation = pd.read_csv(report.parent / "reputation.csv")
    assert len(reputation) == 5 * 2
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
    axes = learning_curve(metrics, HEADLINE, {"random": 9.0}, 1.0, 4.0).axes[0]
    drawn = [list(line.get_ydata()) for line in axes.lines]
    assert [6.0, 4.0] in drawn
    assert [5.0, 3.0] in drawn
    assert [9.0, 9.0] in drawn
    assert "bound 1.0" in [text.get_text() for text in axes.texts]


@pytest.mark.parametrize(("last", "labels"), [(500, ["0", "500"]), (5000, ["0", "5k"]), (4_000_000, ["0", "4M"])])
def test_steps_are_counted_in_few_digits(last: int, labels: list[str]) -> None:
    metrics = pd.DataFrame({"steps": [last // 2, last], "seed": [0, 0], "latency": [5.0, 3.0]})
    axes = learning_curve(metrics, HEADLINE, {}, None, 4.0).axes[0]
    write = axes.xaxis.get_major_formatter()
    assert [write(0, 0), write(last, 1)] == labels


def test_each_metric_of_the_learner_has_a_panel() -> None:
    metrics = pd.DataFrame({"steps": [1, 2], "seed": [0, 0], "latency": [5.0, 3.0]})
    assert learner_figure(metrics) is None
    figure = learner_figure(metrics.assign(**{"learning/actor_loss": [1.0, 2.0], "learning/entropy": [3.0, 4.0]}))
    assert figure is not None
    assert [axes.get_title() for axes in figure.axes] == ["actor loss", "entropy"]
    assert list(figure.axes[1].lines[0].get_ydata()) == [3.0, 4.0]


@pytest.mark.parametrize(
    ("mean", "bound", "said"),
    [
        (8.0, 4.0, ["20.0% less than random decisions.", "the learned one is 100% above that bound."]),
        (12.0, 4.0, ["20.0% more than random decisions.", "the learned one is 200% above that bound."]),
        (8.0, -1.0, ["20.0% less than random decisions.", "No policy can undercut -1.0 s per slot."]),
    ],
)
def test_a_policy_is_placed_in_words(mean: float, bound: float, said: list[str]) -> None:
    class Judged(System):
        config, build = dict, dict

    sentences = standing(Judged("judged", "", HEADLINE), judged("ours", mean), [judged("random", 10.0)], bound)
    assert len(sentences) == 2
    assert all(sentence.endswith(end) for sentence, end in zip(sentences, said, strict=True))


def test_a_bound_is_judged_by_its_one_metric() -> None:
    bound = Judgement("bound", {"latency": np.array([[1.0, 3.0]])}, reference=True)
    assert bound.value("latency") == 2.0


def test_a_unit_is_not_said_twice() -> None:
    assert HEADLINE.title == "total latency (s per slot)"
    assert Headline("return", "episode reward", "per episode").title == "episode reward"


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_comparison_figure_is_written(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "new" / f"figure.{ending}"
    comparison_figure([judged("ours", 3.0, seeds=3), judged("random", 9.0)], HEADLINE, path)
    assert shows_something(path)


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

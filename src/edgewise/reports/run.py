"""The report of a run: figures as PNG with their data as CSV, and one self-contained HTML page."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from edgewise.common.by_products import free_name, is_own_page
from edgewise.common.files import replace_file
from edgewise.common.plain import to_plain
from edgewise.drawing.picture import Picture, save_picture
from edgewise.environments import registry
from edgewise.environments.instances import InstanceGroups
from edgewise.environments.system import Headline, System
from edgewise.experiments.store import machine
from edgewise.policies.folders import policy_folder
from edgewise.policies.learned import LearnedPolicy
from edgewise.reports.page import embedded, render
from edgewise.reports.record import software
from edgewise.reports.run_figures import LEARNER, learner_figure, learning_curve
from edgewise.statistics.judgement import Judgement
from edgewise.training.judgement import episodes_of_test, judge_bound, judge_policies, judge_references
from edgewise.training.run_folder import CONFIG_FILE, read_config, read_metrics
from edgewise.training.saved import load_learned

PAGE = "index.html"
BOUND_EPISODES = 20
"""Bounds take long; they vary less between episodes than policies do."""


def standing(entry: System, learned: Judgement, references: list[Judgement], bound: float | None) -> list[str]:
    """Sentences on a learned policy beside random decisions and beside what is possible."""
    headline = entry.headline
    value = learned.value(headline.metric)
    sentences = []
    random = next((row.value(headline.metric) for row in references if row.name == "random"), None)
    if random is not None and (headline.higher_is_better or random <= 0):
        sentences.append(f"Random decisions: {headline.text(random)}.")
    elif random is not None:
        sentences.append(
            f"{abs(1 - value / random):.1%} {'less' if value <= random else 'more'} than random decisions."
        )
    if bound is not None:
        limit = f"No policy can {'exceed' if headline.higher_is_better else 'undercut'} {headline.text(bound)} {headline.unit}"
        share = (
            f"{value / bound:.0%} of it" if headline.higher_is_better else f"{value / bound - 1:.0%} above that bound"
        )
        verb = "gets" if headline.higher_is_better else "is"
        sentences.append(f"{limit}; the learned one {verb} {share}." if bound > 0 else f"{limit}.")
    return sentences


def write_report(folder: Path) -> Path:
    """Write `report/` into a run's folder: `index.html`, and a PNG and a CSV for every figure.

    Args:
        folder: the folder of a run that has saved a policy.

    Returns:
        The path of the page.
    """
    config = read_config(folder)
    entry = registry.find(config.environment)
    environment = entry.build_evaluation(config.environment_config)
    episodes, seed = episodes_of_test(config)
    learned = judge_policies(config, folder, environment, "best", episodes, seed)
    references = judge_references(entry, environment, entry.choose_references(None), episodes, seed)
    limit = judge_bound(entry, environment, min(BOUND_EPISODES, episodes), seed)
    bound = None if limit is None else limit.value(entry.headline.metric)
    metrics = read_metrics(folder, ("steps", "seed", entry.headline.metric))
    pictures = _learning(entry, metrics, learned, references, bound)
    policy = load_learned(policy_folder(folder, "best", 0), environment)
    rows = [learned, *references]
    pictures += entry.pictures(environment, LearnedPolicy(policy), rows, seed)
    report = free_name(folder / "report", _is_own_report)
    for picture in pictures:
        save_picture(picture, report)
    turns = len(environment.groups) if isinstance(environment, InstanceGroups) else 1
    updates = turns * config.training.total_updates
    page = report / PAGE
    replace_file(page, _render(folder, config, entry, rows, bound, metrics, pictures, updates).encode())
    return page


def _is_own_report(folder: Path) -> bool:
    return is_own_page(folder / PAGE)


def _learning(
    entry: System, metrics: pd.DataFrame, learned: Judgement, references: list[Judgement], bound: float | None
) -> list[Picture]:
    """What `metrics.csv` says: the headline metric beside references, and the learner's own metrics."""
    metric, title = entry.headline.metric, entry.headline.title
    lines = {row.name: row.value(metric) for row in references}
    pictures = [
        Picture(
            "learning",
            f"{title[0].upper()}{title[1:]} in the evaluations during training, interquartile mean over seeds, against steps. "
            "Diamond: the best policy in the test episodes. Dashed: reference policies; solid black: what no policy can beat.",
            learning_curve(metrics, entry.headline, lines, bound, learned.value(metric)),
            metrics[["steps", "seed", metric]],
        )
    ]
    figure = learner_figure(metrics)
    if figure is not None:
        own = [name for name in metrics.columns if name.startswith(LEARNER)]
        caption = "The learner's own metrics, means since the evaluation before: one line per seed."
        pictures.append(Picture("learner", caption, figure, metrics[["steps", "seed", *own]]))
    return pictures


def _interval(row: Judgement, headline: Headline) -> str:
    e = row.estimate(headline.metric)
    return f"{headline.text(e.low)} to {headline.text(e.high)}"


def _render(
    folder: Path,
    config: Any,
    entry: System,
    rows: list[Judgement],
    bound: float | None,
    metrics: pd.DataFrame,
    pictures: list[Picture],
    updates: int,
) -> str:
    headline = entry.headline
    metric = headline.metric
    learned, references = rows[0], rows[1:]
    found = learned.estimate(metric)
    others = [name for name in ("return", *entry.columns) if name != metric]
    table = [
        {
            "name": row.name,
            "learned": row is learned,
            "value": headline.text(row.value(metric)),
            "interval": _interval(row, headline),
            "cells": [f"{row.value(name):.2f}" for name in others],
        }
        for row in sorted(rows, key=lambda row: headline.best_first(row.value(metric)))
    ]
    return render(
        "report.html",
        title=f"{config.algorithm.upper()} on {config.environment}",
        name=folder.resolve().name,
        learned=config.algorithm.upper(),
        headline=headline,
        value=headline.text(found.value),
        low=headline.text(found.low),
        high=headline.text(found.high),
        source=learned.source,
        several=config.training.seeds > 1,
        standing=standing(entry, learned, references, bound),
        episodes=config.training.evaluation_episodes,
        seed=config.training.test_seed,
        columns=[name.replace("_", " ") for name in others],
        rows=table,
        pictures=[
            {
                "name": picture.name,
                "caption": picture.caption,
                "source": embedded(folder / "report" / f"{picture.name}.png"),
            }
            for picture in pictures
        ],
        facts={
            "environment steps per seed": f"{int(metrics['steps'].max()):,}",
            "updates per seed": f"{updates:,}",
            "seeds": config.training.seeds,
            "wall time of training": f"{metrics['wall_s'].max():,.0f} s",
            "machine": machine(),
            **software(),
        },
        configuration=yaml.safe_dump(json.loads(json.dumps(to_plain(config))), sort_keys=False),
        command=shlex.join(["edgewise", "train", "--config", str(folder / CONFIG_FILE)]),
    )

"""The report of a run: figures as PNG with their data as CSV, and one self-contained HTML page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from edgewise.common.files import replace_file
from edgewise.common.plain import to_plain
from edgewise.drawing.picture import Picture
from edgewise.drawing.style import save_figure
from edgewise.environments import registry
from edgewise.environments.system import System
from edgewise.experiments.store import machine
from edgewise.policies.learned import LearnedPolicy
from edgewise.reports.page import embedded, render
from edgewise.reports.record import software
from edgewise.reports.run_figures import learning_curve
from edgewise.statistics.judgement import Judgement
from edgewise.training.judgement import judge_bound, judge_policies, judge_references
from edgewise.training.run_folder import CONFIG_FILE, METRICS_FILE, read_config
from edgewise.training.saved import load_learned

EPISODES = 50
BOUND_EPISODES = 20
SEED = 1_000_003


def standing(entry: System, learned: Judgement, references: list[Judgement], bound: float | None) -> list[str]:
    """Sentences on a learned policy beside random decisions and beside what is possible."""
    metric, more = entry.headline.metric, entry.headline.higher_is_better
    mean = learned.mean(metric)
    sentences = []
    random = next((row.mean(metric) for row in references if row.name == "random"), None)
    if random is not None and more:
        sentences.append(f"Random decisions: {entry.headline.text(random)}.")
    elif random is not None:
        sentences.append(f"{1 - mean / random:.1%} less than random decisions.")
    if bound is not None:
        limit = f"{entry.headline.text(bound)} {entry.headline.unit}"
        sentences.append(
            f"No policy can exceed {limit}; the learned one gets {mean / bound:.0%} of it."
            if more
            else f"No policy can undercut {limit}; the learned one is {mean / bound - 1:.0%} above that bound."
        )
    return sentences


def write_report(folder: Path) -> Path:
    """Write `report/` into a run's folder: `index.html`, and a PNG and a CSV for every figure.

    Args:
        folder: of a run that has saved a policy.

    Returns:
        The path of the page.
    """
    config = read_config(folder)
    entry = registry.find(config.environment)
    environment = entry.build_evaluation(config.environment_config)
    learned = judge_policies(config, folder, environment, "best", EPISODES, SEED)
    references = judge_references(entry, environment, entry.choose_references(None), EPISODES, SEED)
    limit = judge_bound(entry, environment, BOUND_EPISODES, SEED)
    bound = None if limit is None else limit.mean(entry.headline.metric)
    metrics = pd.read_csv(folder / METRICS_FILE)
    metric = entry.headline.metric
    curve = learning_curve(metrics, entry.headline, {row.name: row.mean(metric) for row in references}, bound)
    pictures = [
        Picture(
            "learning",
            f"Mean {entry.headline.label} of the evaluations during training, against environment steps. Dashed: reference "
            "policies; solid black: what no policy can beat.",
            curve,
            metrics[["steps", "seed", metric]],
        )
    ]
    policy = load_learned(folder / "policy" / "best" / "seed-0", environment)
    rows = [learned, *references]
    pictures += entry.pictures(environment, LearnedPolicy(policy), rows, SEED)
    report = folder / "report"
    for picture in pictures:
        save_figure(picture.figure, report / f"{picture.name}.png")
        replace_file(report / f"{picture.name}.csv", picture.data.to_csv(index=False).encode())
    page = report / "index.html"
    replace_file(page, _render(folder, config, entry, rows, bound, metrics, pictures).encode())
    return page


def _render(
    folder: Path,
    config: Any,
    entry: System,
    rows: list[Judgement],
    bound: float | None,
    metrics: pd.DataFrame,
    pictures: list[Picture],
) -> str:
    headline = entry.headline
    metric = headline.metric
    learned, references = rows[0], rows[1:]
    low, high = learned.interval(metric)
    others = [name for name in ("return", *entry.columns) if name != metric]
    table = [
        {
            "name": row.name,
            "learned": row is learned,
            "mean": headline.text(row.mean(metric)),
            "interval": " to ".join(map(headline.text, row.interval(metric))),
            "cells": [f"{row.mean(name):.2f}" for name in others],
        }
        for row in sorted(rows, key=lambda row: headline.best_first(row.mean(metric)))
    ]
    return render(
        "report.html",
        title=f"{config.algorithm.upper()} on {config.environment}",
        name=folder.resolve().name,
        learned=config.algorithm.upper(),
        headline=headline,
        mean=headline.text(learned.mean(metric)),
        low=headline.text(low),
        high=headline.text(high),
        source=learned.source,
        standing=standing(entry, learned, references, bound),
        episodes=EPISODES,
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
            "updates per seed": f"{config.training.total_updates:,}",
            "seeds": config.training.seeds,
            "wall time of training": f"{metrics['wall_s'].max():,.0f} s",
            "machine": machine(),
            **software(),
        },
        configuration=yaml.safe_dump(json.loads(json.dumps(to_plain(config))), sort_keys=False),
        command=f"edgewise train {config.environment} --algorithm {config.algorithm}   # with the options of {CONFIG_FILE}",
    )

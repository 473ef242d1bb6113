"""`edgewise compare RUN RUN ...`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from edgewise.cli.evaluate import chosen_episodes, played_words, show
from edgewise.common.by_products import check_image_name, plot_beside
from edgewise.common.errors import ConfigurationError
from edgewise.common.plain import to_plain
from edgewise.environments import registry
from edgewise.environments.system import System
from edgewise.reports.run_figures import comparison_figure
from edgewise.statistics.judgement import Judgement
from edgewise.training.judgement import judge_policies, judge_references, load_policies
from edgewise.training.run_folder import RunConfig, Which, require_run

FIGURE = Path("comparison.png")


@dataclass(frozen=True)
class Compare:
    """Runs side by side on the same unseen episodes, with 95% intervals.

    Each run is played in its own environment. When those differ, there is a table for each of them: figures of different
    environments do not tell which policy is better.

    Attributes:
        runs: run folders.
        episodes: episodes; every policy plays the same ones. If None, as many as the first run's own test.
        seed: randomness of the episodes. If None, that of the first run's own test.
        policy: the policy of the best evaluation, or the last one.
        against: reference policies to play in each environment; "all" takes every one.
        figure: file for the figure (PNG, PDF or SVG by its ending). If None, comparison.png in this folder; another user's
            file there is not replaced.
        json: print JSON.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    episodes: int | None = None
    seed: int | None = None
    policy: Which = "best"
    against: tuple[str, ...] = ()
    figure: Path | None = None
    json: bool = False


@dataclass(frozen=True)
class Instance:
    """Runs of one environment.

    Attributes:
        config: the configuration of the environment.
        words: in what it differs from the others; empty if there are none.
        runs: folder and configuration of each.
    """

    config: Any
    words: str
    runs: tuple[tuple[Path, RunConfig], ...]


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Compare, args=words, prog="edgewise compare")
    if not options.runs:
        raise ConfigurationError("runs", (), "at least one run folder")
    check_image_name("figure", options.figure)
    configs = [require_run(folder) for folder in options.runs]
    episodes, seed = chosen_episodes(configs, options.episodes, options.seed)
    systems = {config.environment for config in configs}
    if len(systems) > 1:
        raise ConfigurationError("runs", sorted(systems), "runs of one system")
    entry = registry.find(configs[0].environment)
    names = entry.choose_references(options.against) if options.against else ()
    found = instances(list(zip(options.runs, configs, strict=True)))
    tables = [
        (instance, _judged(entry, instance, options.policy, names, episodes, seed))
        for instance in _checked(entry, found, options.policy)
    ]
    everything = [
        replace(row, name=f"{row.name} ({instance.words})" if instance.words else row.name)
        for instance, rows in tables
        for row in _ranked(entry, rows)
    ]

    def plot(path: Path) -> None:
        comparison_figure(everything, entry.headline, path, ranked=len(tables) == 1)

    if options.json:
        drawn = plot_beside(options.figure, FIGURE, plot)
        plain = [{**row.plain(), "environment": each.words} for each, rows in tables for row in rows]
        figure = drawn.path and str(drawn.path)
        print(json.dumps({"episodes": episodes, "seed": seed, "figure": figure, "policies": plain}))
    else:
        _show(entry, tables, f"{options.policy} policies, {played_words(episodes, seed)}")
        drawn = plot_beside(options.figure, FIGURE, plot)
    drawn.report(options.json)
    return 0


def _show(entry: System, tables: Sequence[tuple[Instance, list[Judgement]]], title: str) -> None:
    if len(tables) > 1:
        print(
            "The runs are of different environments: one table for each, whose figures do not compare with the others'.\n"
        )
    for instance, rows in tables:
        show(entry, rows, f"{title}, played with {instance.words}" if instance.words else title)
    sys.stdout.flush()


def instances(runs: Sequence[tuple[Path, RunConfig]]) -> list[Instance]:
    """Runs by their environments, in the order of the first run of each."""
    groups: list[tuple[dict[str, Any], list[tuple[Path, RunConfig]]]] = []
    for folder, config in runs:
        plain = to_plain(config.environment_config)
        group = next((members for known, members in groups if known == plain), None)
        if group is None:
            groups.append((plain, [(folder, config)]))
        else:
            group.append((folder, config))
    differ = [name for name in groups[0][0] if any(plain.get(name) != groups[0][0][name] for plain, _ in groups)]
    return [
        Instance(
            members[0][1].environment_config,
            ", ".join(f"{name} = {plain.get(name)}" for name in differ),
            tuple(members),
        )
        for plain, members in groups
    ]


def _checked(entry: System, found: Sequence[Instance], which: Which) -> Sequence[Instance]:
    """The same, once every policy is known to fit its environment: before anything is played."""
    for instance in found:
        environment = entry.build_evaluation(instance.config)
        for folder, config in instance.runs:
            load_policies(config, folder, environment, which)
    return found


def _judged(
    entry: System, instance: Instance, which: Which, references: Sequence[str], episodes: int, seed: int
) -> list[Judgement]:
    environment = entry.build_evaluation(instance.config)
    learned = [
        replace(
            judge_policies(config, folder, environment, which, episodes, seed), name=f"{config.algorithm} {folder.name}"
        )
        for folder, config in instance.runs
    ]
    return learned + judge_references(entry, environment, references, episodes, seed)


def _ranked(entry: System, rows: Sequence[Judgement]) -> list[Judgement]:
    headline = entry.headline
    return sorted(rows, key=lambda row: headline.best_first(row.value(headline.metric)))

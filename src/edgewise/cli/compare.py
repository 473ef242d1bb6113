"""`edgewise compare RUN RUN ...`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from edgewise.cli.evaluate import show
from edgewise.common.errors import ConfigurationError, check_integer
from edgewise.environments import registry
from edgewise.reports.run_figures import comparison_figure
from edgewise.statistics.judgement import Judgement
from edgewise.training.judgement import judge_policies, judge_references
from edgewise.training.run_folder import require_run


@dataclass(frozen=True)
class Compare:
    """Runs side by side on the same unseen episodes, with 95% intervals.

    Each run is played in its own environment; when those differ, the table says what was compared, not which is better.

    Attributes:
        runs: run folders.
        episodes: episodes; every policy plays the same ones.
        seed: randomness of the episodes; the default is not used in training.
        policy: the policy of the best evaluation, or the last one.
        against: reference policies to play in the first run's environment; "all" takes every one.
        figure: file for the figure (PNG, PDF or SVG by its ending).
        json: print JSON.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    episodes: int = 50
    seed: int = 1_000_003
    policy: Literal["best", "last"] = "best"
    against: tuple[str, ...] = ()
    figure: Path = Path("comparison.png")
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Compare, args=words, prog="edgewise compare")
    check_integer("episodes", options.episodes, 2)
    if not options.runs:
        raise ConfigurationError("runs", (), "at least one run folder")
    if options.figure.suffix not in (".png", ".pdf", ".svg"):
        raise ConfigurationError("figure", str(options.figure), "a file name that ends in .png, .pdf or .svg")
    configs = [require_run(folder) for folder in options.runs]
    played = {config.environment for config in configs}
    if len(played) > 1:
        raise ConfigurationError("runs", sorted(played), "runs of one system")
    entry = registry.find(configs[0].environment)
    rows = []
    for folder, config in zip(options.runs, configs, strict=True):
        environment = entry.build_evaluation(config.environment_config)
        judged = judge_policies(config, folder, environment, options.policy, options.episodes, options.seed)
        rows.append(Judgement(f"{config.algorithm} {folder.name}", judged.values))
    environment = entry.build_evaluation(configs[0].environment_config)
    names = entry.choose_references(options.against) if options.against else ()
    rows += judge_references(entry, environment, names, options.episodes, options.seed)
    comparison_figure(rows, entry.headline, options.figure)
    if options.json:
        plain = [row.plain() for row in rows]
        print(
            json.dumps(
                {"episodes": options.episodes, "seed": options.seed, "figure": str(options.figure), "policies": plain}
            )
        )
    else:
        show(entry, rows)
        print(f"figure: {options.figure}")
    return 0

"""`edgewise evaluate RUN`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from edgewise.common.errors import check_integer
from edgewise.common.terminal import number, print_table
from edgewise.environments import registry
from edgewise.environments.system import System
from edgewise.statistics.judgement import Judgement
from edgewise.training.judgement import episodes_of_test, judge_policies, judge_references
from edgewise.training.run_folder import RunConfig, Which, require_run


@dataclass(frozen=True)
class Evaluate:
    """Evaluate a run's policies on episodes that neither training nor model selection has seen.

    Attributes:
        run: run folder.
        episodes: episodes; every policy plays the same ones. If None, as many as the run's own test.
        seed: randomness of the episodes. If None, that of the run's own test, which neither training nor the choice of the
            best policy has used: the learned policy gets the figures of test.json.
        policy: the policy of the best evaluation, or the last one.
        against: reference policies to play beside it; "all" are all of them. If None, the usual ones.
        stochastic: sample actions instead of acting deterministically.
        json: print JSON.
    """

    run: tyro.conf.Positional[Path]
    episodes: int | None = None
    seed: int | None = None
    policy: Which = "best"
    against: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="NAME ...")] = None
    stochastic: bool = False
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Evaluate, args=words, prog="edgewise evaluate")
    config = require_run(options.run)
    episodes, seed = chosen_episodes([config], options.episodes, options.seed)
    entry = registry.find(config.environment)
    environment = entry.build_evaluation(config.environment_config)
    names = entry.choose_references(options.against)
    rows = [
        judge_policies(config, options.run, environment, options.policy, episodes, seed, options.stochastic),
        *judge_references(entry, environment, names, episodes, seed),
    ]
    if options.json:
        print(json.dumps({"episodes": episodes, "seed": seed, "policies": [row.plain() for row in rows]}))
    else:
        show(entry, rows, f"{options.policy} policy, {played_words(episodes, seed)}")
    return 0


def chosen_episodes(configs: Sequence[RunConfig], episodes: int | None, seed: int | None) -> tuple[int, int]:
    """How many episodes are played, and their randomness: what was asked for, or else those of the first run's own test.

    Raises:
        ConfigurationError: if that is not allowed.
    """
    if episodes is not None:
        check_integer("episodes", episodes, 2)
    if seed is not None:
        check_integer("seed", seed, 0, 2**32 - 1)
    own = episodes_of_test(configs[0])
    return own[0] if episodes is None else episodes, own[1] if seed is None else seed


def played_words(episodes: int, seed: int) -> str:
    """The episodes that policies played, in words."""
    return f"{episodes} episodes of seed {seed}"


def show(entry: System, rows: Sequence[Judgement], played: str) -> None:
    """Print judgements as a table, best first.

    Args:
        entry: the system.
        rows: the judgements.
        played: what was played, in words.
    """
    headline = entry.headline
    print(f"{headline.label}, {headline.unit}: {played}")
    others = [name for name in ("return", *entry.columns) if name != headline.metric]
    cells = []
    for row in sorted(rows, key=lambda row: headline.best_first(row.value(headline.metric))):
        e = row.estimate(headline.metric)
        interval = f"{headline.text(e.low)} .. {headline.text(e.high)}"
        seeds = "" if row.reference else str(row.values["return"].shape[0])
        told = [number(row.value(name), 2) for name in others]
        cells.append([row.name, headline.text(e.value), interval, seeds, *told])
    columns = ["policy", headline.metric, "95% interval", "seeds", *others]
    print_table(
        "Over several seeds their interquartile mean, else the mean of the episodes; other columns per step, return per episode.",
        [name.replace("_", "\n") for name in columns],
        cells,
        words=("95% interval",),
    )

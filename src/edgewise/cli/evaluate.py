"""`edgewise evaluate RUN`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from edgewise.common.errors import check_integer
from edgewise.environments import registry
from edgewise.environments.system import System
from edgewise.statistics.judgement import Judgement
from edgewise.training.judgement import judge_policies, judge_references
from edgewise.training.run_folder import require_run

WIDEST = 1000


@dataclass(frozen=True)
class Evaluate:
    """Judge a run's policies on episodes that neither training nor model selection has seen.

    Attributes:
        run: run folder.
        episodes: episodes; every policy plays the same ones.
        seed: randomness of the episodes; the default is not used in training.
        policy: the policy of the best evaluation, or the last one.
        against: reference policies to play beside it; none takes the usual ones, "all" takes every one.
        stochastic: sample actions instead of acting deterministically.
        json: print JSON.
    """

    run: tyro.conf.Positional[Path]
    episodes: int = 50
    seed: int = 1_000_003
    policy: Literal["best", "last"] = "best"
    against: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="NAME ...")] = None
    stochastic: bool = False
    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Evaluate, args=words, prog="edgewise evaluate")
    check_integer("episodes", options.episodes, 2)
    config = require_run(options.run)
    entry = registry.find(config.environment)
    environment = entry.build_evaluation(config.environment_config)
    names = entry.choose_references(options.against)
    rows = [
        judge_policies(
            config, options.run, environment, options.policy, options.episodes, options.seed, options.stochastic
        ),
        *judge_references(entry, environment, names, options.episodes, options.seed),
    ]
    if options.json:
        print(
            json.dumps({"episodes": options.episodes, "seed": options.seed, "policies": [row.plain() for row in rows]})
        )
    else:
        show(entry, rows)
    return 0


def show(entry: System, rows: list[Judgement]) -> None:
    """Print judgements as a table, best first."""
    headline = entry.headline
    table = Table(
        title=f"{headline.label}, {headline.unit}: interquartile mean over seeds, or mean over episodes, with 95% interval; "
        "other columns: the same per step, return per episode",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    others = tuple(name for name in ("return", *entry.columns) if name != headline.metric)
    for name in ("policy", headline.metric, "interval", "over", *others):
        justify: Literal["left", "right"] = "left" if name in ("policy", "interval", "over") else "right"
        table.add_column(name.replace("_", "\n"), justify=justify, no_wrap=True)
    for row in sorted(rows, key=lambda row: headline.best_first(row.value(headline.metric))):
        e = row.estimate(headline.metric)
        cells = [f"{row.value(name):.2f}" for name in others]
        interval = f"{headline.text(e.low)} .. {headline.text(e.high)}"
        table.add_row(row.name, headline.text(e.value), interval, row.source, *cells)
    needed = Console(width=WIDEST).measure(table).maximum
    Console(width=max(Console().width, needed)).print(table)

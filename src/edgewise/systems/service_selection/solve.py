"""`edgewise solve service-selection --episode-seed N`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated

import jax
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from edgewise.common.errors import check_integer
from edgewise.systems.service_selection.build import build_part
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.offline import KnownEpisode, solve_episode


@dataclass(frozen=True)
class Solve:
    """Bound what any policy can earn in an episode, and find a good schedule for it, all arrivals being known.

    Attributes:
        episode_seed: draws the episode, of a workload from the part that policies are judged on.
        sweeps: how often the schedule is improved; 0 only follows the linear program.
        json: print JSON, with the provider of each task.
        system: the system.
    """

    episode_seed: int = 0
    sweeps: int = 1
    json: bool = False
    system: Annotated[ServiceSelectionConfig, tyro.conf.arg(name="")] = field(default_factory=ServiceSelectionConfig)


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(Solve, args=words, prog="edgewise solve service-selection")
    check_integer("episode_seed", options.episode_seed, 0, 2**32 - 1)
    check_integer("sweeps", options.sweeps, 0)
    environment = build_part(options.system, "evaluation")
    solved = solve_episode(environment, jax.random.key(options.episode_seed), options.sweeps)
    if options.json:
        print(json.dumps(plain(solved)))
    else:
        _show(solved)
    return 0


def plain(solved: KnownEpisode) -> dict[str, object]:
    """An episode for JSON; shares of a bound that is not positive become null."""
    rewards = solved.references | {"schedule": solved.schedule}
    return {
        "bound": solved.bound,
        "rewards": rewards,
        "shares": {name: solved.share(reward) if solved.bound > 0 else None for name, reward in rewards.items()},
        "schedule": solved.actions.tolist(),
    }


def _show(solved: KnownEpisode) -> None:
    table = Table(title="episode reward", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("what", no_wrap=True)
    for name in ("reward", "share of the bound"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = solved.references | {"best schedule found": solved.schedule, "upper bound": solved.bound}
    for name, reward in rows.items():
        table.add_row(name, f"{reward:.2f}", f"{solved.share(reward):.1%}" if solved.bound > 0 else "")
    Console(width=max(Console().width, 60)).print(table)

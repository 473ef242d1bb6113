"""`edgewise solve service-selection --episode-seed N`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated

import jax
import tyro

from edgewise.common.errors import check_integer
from edgewise.common.terminal import number, print_table
from edgewise.systems.service_selection.build import environment
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.offline import KnownEpisode, solve_episode


@dataclass(frozen=True)
class Solve:
    """Bound what any policy can earn in an episode, and find a good schedule for it, all arrivals being known.

    Attributes:
        episode_seed: draws the episode, of a workload from the part that policies are evaluated on.
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
    solved = solve_episode(
        environment(options.system, "evaluation"), jax.random.key(options.episode_seed), options.sweeps
    )
    if options.json:
        print(json.dumps(plain(solved)))
    else:
        show(solved)
    return 0


def plain(solved: KnownEpisode) -> dict[str, object]:
    """An episode for JSON; shares of a loose bound become null."""
    rewards = solved.references | {"schedule": solved.schedule}
    return {
        "bound": solved.bound,
        "rewards": rewards,
        "shares": {name: None if solved.loose else solved.share(reward) for name, reward in rewards.items()},
        "schedule": solved.actions.tolist(),
    }


def show(solved: KnownEpisode) -> None:
    """Print an episode as a table; shares of a loose bound are left out."""
    rewards = solved.references | {"best schedule found": solved.schedule, "upper bound": solved.bound}
    if solved.loose:
        print_table("episode reward", ("what", "reward"), [(name, number(value, 2)) for name, value in rewards.items()])
        print(
            "The bound is loose here: crashes cannot be avoided, and it leaves out what they cost beyond the fixed penalty. "
            "The best schedule found says more of what can be reached."
        )
        return
    rows = [
        (name, number(value, 2), f"{solved.share(value):.1%}" if value >= 0 else "below 0")
        for name, value in rewards.items()
    ]
    print_table("episode reward", ("what", "reward", "share of the bound"), rows)

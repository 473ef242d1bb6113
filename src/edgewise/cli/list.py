"""`edgewise list`."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass

import tyro

from edgewise.algorithms.registry import ALGORITHMS
from edgewise.environments import game_registry, registry
from edgewise.experiments.catalogue import CATALOGUE


@dataclass(frozen=True)
class List:
    """Environments, their reference policies, algorithms and experiments.

    Attributes:
        json: print JSON.
    """

    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(List, args=words, prog="edgewise list")
    entries = [registry.find(name) for name in registry.names()]
    games = [game_registry.find(name) for name in game_registry.names()]
    if options.json:
        print(
            json.dumps(
                {
                    "environments": {
                        e.name: {
                            "gymnasium": e.gymnasium_id,
                            "summary": e.summary,
                            "references": list(e.reference_names),
                        }
                        for e in entries
                    },
                    "multi_agent_environments": {
                        game.name: {"summary": game.summary, "references": list(game.reference_names)} for game in games
                    },
                    "algorithms": {a.name: a.summary for a in ALGORITHMS.values()},
                    "experiments": {
                        name: {e.name: e.title for e in paper.experiments.values()} for name, paper in CATALOGUE.items()
                    },
                }
            )
        )
        return 0
    print("environments")
    for entry in entries:
        print(f"  {entry.name}  ({entry.gymnasium_id})\n    {entry.summary}\n    references:")
        indent = 6 * " "
        names = ", ".join(entry.reference_names)
        print(textwrap.fill(names, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False))
    print("environments with several agents  (edgewise.environments.adapters.pettingzoo.parallel_env)")
    for game in games:
        print(f"  {game.name}\n    {game.summary}\n    references: {', '.join(game.reference_names)}")
    print("algorithms")
    for algorithm in ALGORITHMS.values():
        kinds = " and ".join(kind.__name__ for kind in algorithm.actions)
        print(f"  {algorithm.name}  ({kinds} actions)\n    {algorithm.summary}")
    print("experiments")
    for name, paper in CATALOGUE.items():
        print(f"  {name}")
        for experiment in paper.experiments.values():
            print(f"    {experiment.name}  {experiment.title}")
    return 0

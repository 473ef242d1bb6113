"""`edgewise list`."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass

import tyro

from edgewise.algorithms.registry import ALGORITHMS
from edgewise.environments import registry
from edgewise.experiments.catalogue import CATALOGUE, find_paper


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
    systems = registry.SYSTEMS.items()
    entries = [system for system in systems if not system.several_agents]
    games = [system for system in systems if system.several_agents]
    papers = {name: find_paper(name) for name in CATALOGUE.names()}
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
                    "algorithms": {a.name: a.summary for a in ALGORITHMS.items()},
                    "experiments": {name: dict(paper.titles) for name, paper in papers.items()},
                }
            )
        )
        return 0
    print("environments")
    for entry in entries:
        known = f"  ({entry.gymnasium_id})" if entry.gymnasium_id else ""
        print(f"  {entry.name}{known}\n    {entry.summary}\n    references:")
        indent = 6 * " "
        names = ", ".join(entry.reference_names)
        print(textwrap.fill(names, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False))
    print("environments with several agents  (edgewise.environments.adapters.pettingzoo.parallel_env)")
    for game in games:
        print(f"  {game.name}\n    {game.summary}\n    references: {', '.join(game.reference_names)}")
    print("algorithms")
    for algorithm in ALGORITHMS.items():
        kinds = " and ".join(algorithm.actions)
        print(f"  {algorithm.name}  ({kinds} actions)\n    {algorithm.summary}")
    print("experiments")
    for name, paper in papers.items():
        print(f"  {name}")
        for experiment, title in paper.titles.items():
            print(f"    {experiment}  {title}")
    return 0

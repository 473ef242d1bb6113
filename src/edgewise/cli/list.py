"""`edgewise list`."""

from __future__ import annotations

import json
import shutil
import textwrap
from dataclasses import dataclass

import tyro

from edgewise.algorithms.registry import ALGORITHMS
from edgewise.cli.words import WIDEST, listed
from edgewise.construction.kind import MODULES
from edgewise.environments import registry
from edgewise.experiments.catalogue import CATALOGUE, find_paper


@dataclass(frozen=True)
class List:
    """Environments, their reference policies, algorithms, kinds of agent module and experiments.

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
                            "policies": list(e.shipped),
                        }
                        for e in entries
                    },
                    "games": {
                        game.name: {"summary": game.summary, "references": list(game.reference_names)} for game in games
                    },
                    "algorithms": {a.name: a.summary for a in ALGORITHMS.items()},
                    "experiments": {name: dict(paper.titles) for name, paper in papers.items()},
                    "modules": list(MODULES.names()),
                }
            )
        )
        return 0
    width = min(shutil.get_terminal_size().columns, WIDEST)

    def say(text: str, indent: int) -> None:
        margin = indent * " "
        print(textwrap.fill(text, width, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False))

    print("environments")
    for entry in entries:
        say(f"{entry.name}  ({entry.gymnasium_id})" if entry.gymnasium_id else entry.name, 2)
        say(entry.summary, 4)
        say(f"references: {', '.join(entry.reference_names)}", 4)
        if entry.shipped:
            say(f"trained policies: {', '.join(entry.shipped)}", 4)
    print("games")
    for game in games:
        say(game.name, 2)
        say(game.summary, 4)
        say(f"references: {', '.join(game.reference_names)}", 4)
    print("algorithms")
    actions = {
        "box": "continuous actions",
        "discrete": "discrete actions",
        "matching": "matchings of two sets",
        "game": "games",
    }
    for algorithm in ALGORITHMS.items():
        say(f"{algorithm.name}  ({' and '.join(actions[kind] for kind in algorithm.actions)})", 2)
        say(algorithm.summary, 4)
    print("kinds of agent module")
    say(", ".join(MODULES.names()), 2)
    print("experiments")
    for name, paper in papers.items():
        print(f"  edgewise experiment {name} NAME ...")
        print(textwrap.indent(listed(paper.titles), "  "))
    return 0

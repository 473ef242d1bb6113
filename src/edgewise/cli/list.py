"""`edgewise list`."""

from __future__ import annotations

import json
from dataclasses import dataclass

import tyro
from rich.console import Console
from rich.table import Table

from edgewise.algorithms.registry import ALGORITHMS
from edgewise.environments import registry


@dataclass(frozen=True)
class List:
    """Environments, their reference policies, and algorithms.

    Attributes:
        json: print JSON.
    """

    json: bool = False


def run(words: list[str]) -> int:
    """Carry the command out."""
    options = tyro.cli(List, args=words, prog="edgewise list")
    entries = [registry.find(name) for name in registry.names()]
    if options.json:
        print(
            json.dumps({
                "environments": {
                    e.name: {"gymnasium": e.gymnasium_id, "summary": e.summary, "references": list(e.reference_names)}
                    for e in entries
                },
                "algorithms": {a.name: a.summary for a in ALGORITHMS.values()},
            })
        )
        return 0
    console = Console(soft_wrap=True)
    environments = Table("environment", "Gymnasium id", "what it is", "reference policies")
    for e in entries:
        environments.add_row(e.name, e.gymnasium_id, e.summary, ", ".join(e.reference_names))
    algorithms = Table("algorithm", "what it is")
    for a in ALGORITHMS.values():
        algorithms.add_row(a.name, a.summary)
    console.print(environments)
    console.print(algorithms)
    return 0

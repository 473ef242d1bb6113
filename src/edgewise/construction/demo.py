"""A cloud server and edge servers in one folder of one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from edgewise.common.files import make_folder, replace_file
from edgewise.common.plain import to_plain
from edgewise.construction.edge_config import CONFIG_FILE, EdgeConfig
from edgewise.construction.ground import GROUNDS
from edgewise.construction.kind import MODULES, SYNTHETIC
from edgewise.construction.processes import LOOPBACK, free_port
from edgewise.construction.service import CloudService, EdgeService, Report
from edgewise.systems.dynamic_contract.files import Instance

KINDS = ("perception", "memory", "decision", "action")
"""The four core modules of an agent in the paper's introduction."""


def demo_kinds() -> tuple[str, ...]:
    """Those of the demonstration that are installed."""
    return tuple(kind for kind in KINDS if kind in MODULES.names())


def draw_types(instance: Instance, servers: int, seed: int) -> list[tuple[float, float]]:
    """Willingness of servers in both periods, drawn as the instance says: p1, then the row of p2."""
    rng = np.random.default_rng(seed)
    first = rng.choice(len(instance.theta1), size=servers, p=instance.p1)
    second = [int(rng.choice(len(instance.theta2), p=instance.p2[kind])) for kind in first]
    return [(instance.theta1[k], instance.theta2[j]) for k, j in zip(first, second, strict=True)]


def edge_configs(
    instance: Instance, seed: int, behaviours: Mapping[str, str], examples: int, ground: str = SYNTHETIC
) -> dict[str, EdgeConfig]:
    """Settings of as many edge servers as an instance has, by name; their apps and languages are those of a ground."""
    found, places = {}, GROUNDS.find(ground).places
    for number, willingness in enumerate(draw_types(instance, instance.servers, seed), 1):
        name = f"es{number:02d}"
        apps, language = places[(number - 1) % len(places)]
        config = EdgeConfig(name, willingness, apps, language, examples, 1000 * seed + number)
        found[name] = replace(config, behaviour=behaviours.get(name, config.behaviour))
    return found


def write_edge(folder: Path, config: EdgeConfig) -> None:
    """Make the folder of an edge server; settings that are there stay."""
    make_folder(folder)
    path = folder / CONFIG_FILE
    if not path.exists():
        replace_file(path, yaml.safe_dump(to_plain(config), sort_keys=False).encode())


class Together:
    """A cloud server and its edge servers on the loopback.

    Args:
        folder: with `cloud`, whose books hold the construction, and a folder for each edge server.
        name: of the construction.
        edges: names of the edge servers.
    """

    def __init__(self, folder: Path, name: str, edges: list[str]) -> None:
        port = free_port()
        self.cloud = CloudService(folder / "cloud", name, LOOPBACK, port, None, None)
        self.edges = {edge: EdgeService(folder / edge, f"{LOOPBACK}:{port}", free_port(), None) for edge in edges}

    def start(self) -> None:
        """Start all processes.

        Raises:
            EdgewiseError: if one does not start.
        """
        for edge in self.edges.values():
            edge.check()
        self.cloud.start()

    def run(self, report: Report) -> None:
        """Carry the construction out; whoever is killed is begun again.

        Raises:
            EdgewiseError: if it cannot be carried out.
        """

        def look_after(done: int, text: str) -> None:
            for edge in self.edges.values():
                edge.check()
            report(done, text)

        self.cloud.run(look_after)

    def stop(self) -> None:
        """End all processes."""
        services: list[EdgeService | CloudService] = [*self.edges.values(), self.cloud]
        for service in services:
            service.ask_to_stop()
        for service in services:
            service.stop()

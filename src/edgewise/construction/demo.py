"""A cloud server and edge servers in one folder of one machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from edgewise.common.files import make_folder, replace_file
from edgewise.common.plain import to_plain
from edgewise.construction.books import Books
from edgewise.construction.building import rounds_built
from edgewise.construction.edge_config import CONFIG_FILE, EdgeConfig
from edgewise.construction.ground import GROUNDS, ground_of
from edgewise.construction.kind import MODULES, SYNTHETIC
from edgewise.construction.misbehaviour import HONEST
from edgewise.construction.processes import LOOPBACK, free_port
from edgewise.construction.service import CloudService, EdgeService, Report
from edgewise.construction.terms import PERIODS
from edgewise.systems.dynamic_contract.files import Instance

KINDS = ("phone-memory", "phone-planning", "phone-decision", "phone-action")
"""What edge servers build in a demonstration: what an agent that operates a phone cannot do without."""
SYNTHETIC_KINDS = ("perception", "memory", "decision", "action")
"""The four core modules of an agent in the paper's introduction, on synthetic data; they are built in seconds."""


def synthetic_kinds() -> tuple[str, ...]:
    """Those on synthetic data that are installed."""
    return tuple(kind for kind in SYNTHETIC_KINDS if kind in MODULES.names())


def ground_for(kinds: Sequence[str]) -> str:
    """The ground of a demonstration with some kinds: that of the kinds, or the brief one in its place.

    Raises:
        ConfigurationError: if the kinds are not of the same ground.
    """
    ground = ground_of(kinds)
    return GROUNDS.find(ground).brief or ground


def draw_types(instance: Instance, servers: int, seed: int) -> list[tuple[float, float]]:
    """Willingness of servers in both periods, drawn as the instance says: p1, then the row of p2."""
    rng = np.random.default_rng(seed)
    first = rng.choice(len(instance.theta1), size=servers, p=instance.p1)
    second = [int(rng.choice(len(instance.theta2), p=instance.p2[kind])) for kind in first]
    return [(instance.theta1[k], instance.theta2[j]) for k, j in zip(first, second, strict=True)]


def edge_configs(
    instance: Instance,
    seed: int,
    behaviours: Mapping[str, str],
    examples: int | None,
    ground: str = SYNTHETIC,
    kinds: Sequence[str] = ("",),
) -> dict[str, EdgeConfig]:
    """Settings of as many edge servers as an instance has, by name.

    Args:
        instance: of the contract.
        seed: of their types and data.
        behaviours: of those that are not honest, by name.
        examples: of each. If None, as many as the ground asks for.
        ground: whose apps and languages they have.
        kinds: of modules that they will build, by name, begun again where there are more servers.
    """
    on, found = GROUNDS.find(ground), {}
    for number, willingness in enumerate(draw_types(instance, instance.servers, seed), 1):
        name, place = f"es{number:02d}", number - 1
        apps, language = on.places[place % len(on.places)]
        known = on.experience(kinds[place % len(kinds)])
        found[name] = EdgeConfig(
            name,
            willingness,
            apps,
            language,
            examples or known.examples,
            known.round_examples,
            1000 * seed + number,
            known.renewed,
            behaviour=behaviours.get(name, HONEST),
        )
    return found


def write_edge(folder: Path, config: EdgeConfig) -> None:
    """Make the folder of an edge server; settings that are there stay."""
    make_folder(folder)
    path = folder / CONFIG_FILE
    if not path.exists():
        replace_file(path, yaml.safe_dump(to_plain(config), sort_keys=False).encode())


WHOLE = 100
"""What a construction's progress is counted in: per cent."""
BUILT = 0.65
"""Part of it that is building; the rest is being judged and told of it."""


class Together:
    """A cloud server and its edge servers on the loopback.

    Args:
        folder: with `cloud`, whose books hold the construction, and a folder for each edge server.
        name: of the construction.
        edges: names of the edge servers.
    """

    def __init__(self, folder: Path, name: str, edges: list[str]) -> None:
        port = free_port()
        self._folder, self._name = folder, name
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

        Args:
            report: told how much of it is done, per cent, and where it is.

        Raises:
            EdgewiseError: if it cannot be carried out.
        """
        books = Books(self._folder / "cloud")

        def look_after(done: int, text: str) -> None:
            for edge in self.edges.values():
                edge.check()
            report(self._done(books.rows(self._name)), text)

        try:
            self.cloud.run(look_after)
        finally:
            books.close()

    def _done(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """How much is done, per cent: rounds of the servers that have chosen, and who has been told what became of them."""
        left, share = sum(rounds_built(self._folder / edge) for edge in self.edges), 0.0
        for period in PERIODS:
            chosen = [row["rounds_promised"] for row in rows if row["period"] == period]
            if len(chosen) == len(self.edges):
                share += BUILT * min(1.0, left / max(1, sum(chosen))) / len(PERIODS)
                left = max(0, left - sum(chosen))
        told = sum(bool(row["told"]) for row in rows) / (len(PERIODS) * len(self.edges))
        return int(WHOLE * (share + (1 - BUILT) * told))

    def stop(self) -> None:
        """End all processes."""
        services: list[EdgeService | CloudService] = [*self.edges.values(), self.cloud]
        for service in services:
            service.ask_to_stop()
        for service in services:
            service.stop()

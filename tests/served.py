"""What tests of the server share: a small policy, and the bodies of requests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jax

from edgewise.common.plain import to_plain
from edgewise.environments.description import Description
from edgewise.policies.artefact import PolicyArtefact, save_policy
from edgewise.policies.matching import MatchingPolicy, Sets
from edgewise.systems.agent_migration import features
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig

CONFIG = AgentMigrationConfig(vehicles=3, rsus=2, attacked_rsus=1, coverage_m=700.0, observation="entities")
UNITS = [
    {"id": "west", "position_m": [0, 0], "link_rate_mbps": 200, "cpu_mhz": 200},
    {"id": "east", "position_m": [1000, 0], "link_rate_mbps": 100, "cpu_mhz": 300},
]
SESSIONS = "/v1/agent-migration/sessions"


def save_small_policy(folder: Path, seed: int = 3) -> Path:
    """A policy for agent migration whose decisions differ from slot to slot."""
    sizes = (len(features.VEHICLE_FIELDS), len(features.UNIT_FIELDS), len(features.PAIR_FIELDS))
    fresh = MatchingPolicy.create(Sets("vehicles", "units", "target", "defence"), sizes, 8, 1, jax.random.key(seed))
    policy = jax.tree.map(lambda leaf: 3 * leaf, fresh)
    seen = Description.of(features.space(3, 2), "observation")
    save_policy(folder, PolicyArtefact(policy, "agent-migration", to_plain(CONFIG), "none", 0, observation=seen))
    return folder


def vehicles(slot: int, names: str = "abc") -> list[dict[str, Any]]:
    """Vehicles that drive eastward."""
    return [{"id": name, "position_m": [200.0 * place + 60.0 * slot, 50.0]} for place, name in enumerate(names)]


def report(names: str = "abc", latency_s: float = 20.0, lost: int = 2) -> dict[str, Any]:
    """A quiet slot."""
    packets = {"received": 100 - lost, "not_received": lost, "forwarded": 100 - lost, "not_forwarded": lost}
    return {
        "latency_s": dict.fromkeys(names, latency_s),
        "packets": {unit["id"]: packets for unit in UNITS},
    }


def slot(number: int, names: str = "abc", **more: Any) -> dict[str, Any]:
    """The body of a slot's request."""
    told = {"report": report(names)} if number else {}
    return {"vehicles": vehicles(number, names), **told, **more}


def wait_until_ready(client: Any, seconds: float = 240.0) -> None:
    """Wait for the programs of a server."""
    end = time.monotonic() + seconds
    while client.get("/v2/health/ready").status_code != 200:
        assert time.monotonic() < end, "the server does not get ready"
        time.sleep(0.05)

"""A policy served over HTTP against the same policy in the simulator, on the traffic of one SUMO drive.

Run: python benchmarks/drive.py [--server URL] [--slots N] [--seeds N] [--out FILE]

Starts `edgewise serve` by itself unless it is told a server. Each seed drives SUMO's traffic through the server, with attacks,
volumes and losses of its own. Then the recording of the drive is played in the simulator by the policy that comes with the
package, with the same random numbers. The simulator knows places, whose users keep what they hold of the units when a vehicle
takes over another's; the server is told of places, as it does, or of vehicles, each of which begins anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from edgewise.common.client import Client
from edgewise.policies.shipped import find_policy
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.drive.command import Drive, places_of, system_on
from edgewise.systems.agent_migration.drive.roads import open_roads
from edgewise.systems.agent_migration.drive.trip import Log, drive
from edgewise.systems.agent_migration.entities import EntityMigration, EntityState
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.memory import begin, see
from edgewise.systems.agent_migration.mobility.replay import TraceReplay
from edgewise.systems.agent_migration.sampling import ResetDraws, draw_reset
from edgewise.systems.agent_migration.session import PERSISTENCE

READY_S = 180
"""Longest wait for a server that is started here, s."""
NAMED = {"places": True, "vehicles": False}
"""Whether the server is told of places or of vehicles."""


@contextmanager
def served(address: str | None) -> Iterator[str]:
    """A server's address; one that is started here ends here."""
    if address is not None:
        yield address
        return
    with tempfile.TemporaryDirectory() as folder:
        words = ["serve", "--port", "8123", "--database", f"sqlite:///{folder}/edgewise.sqlite"]
        process = subprocess.Popen([sys.executable, "-m", "edgewise", *words], stdout=subprocess.DEVNULL)
        try:
            yield _ready("http://127.0.0.1:8123", process)
        finally:
            process.terminate()
            process.wait()


def _ready(address: str, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/v2/health/ready", timeout=5):
                return address
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server is not ready")


def simulated(config: AgentMigrationConfig, log: Log, seed: int) -> float:
    """Mean latency of the shipped policy on the recording, s, with the random numbers of the drive."""
    new = np.asarray(log.new)
    new[0] = False
    mobility = TraceReplay.build(np.asarray(log.positions, np.float32), new, config.slots, config.vehicles)
    mobility = replace(mobility, persistence=jnp.asarray(PERSISTENCE))
    system = AgentMigration.build(config, mobility)
    start_key, key = jax.random.split(jax.random.key(seed))
    drawn = draw_reset(start_key, 0, system.vehicles, system.rsus)
    in_order = jnp.concatenate([jnp.zeros(1), jnp.linspace(0.0, 0.99, config.vehicles)])
    first = system.reset_from(ResetDraws(in_order, drawn.targets, drawn.data))
    migration, policy = EntityMigration(system), find_policy("agent-migration", "general").policy

    def slot(state: EntityState, number: Any) -> Any:
        action = policy(migration.observe(state), None)
        state, timestep = migration.step(jax.random.fold_in(key, number), state, action)
        return state, timestep.info["latency"]

    state = EntityState(first, begin(system.parameters, see(system, first)), ())
    _, latency = eqx.filter_jit(jax.lax.scan)(slot, state, jnp.arange(config.slots))
    return float(latency.mean()) / config.vehicles


def driven(address: str, options: Drive) -> dict[str, Any]:
    """One drive, and the same in the simulator."""
    with open_roads(options.traffic, None) as roads, Client(address) as client:
        config, environment = system_on(options, roads)
        places = places_of(options, roads)
        log = drive(client, environment, config, places, options.slots, None, options.seed, lambda slot, log: None)
    if min(log.vehicles) < options.vehicles:
        raise SystemExit("the simulator cannot leave places empty: choose fewer vehicles")
    served, alone = float(np.mean(log.latency)), simulated(config, log, options.seed)
    return {
        "seed": options.seed,
        "served_s": served,
        "simulated_s": alone,
        "difference_percent": 100 * (served / alone - 1),
        "degraded": int(np.sum(log.degraded)),
        "answer_median_ms": 1e3 * float(np.median(log.waited)),
    }


def compared(address: str, slots: int, seeds: int, by_place: bool) -> dict[str, Any]:
    """Drives with several seeds."""
    rows = [driven(address, Drive(slots=slots, seed=seed, by_place=by_place)) for seed in range(seeds)]
    served, alone = (float(np.mean([row[name] for row in rows])) for name in ("served_s", "simulated_s"))
    difference = 100 * (served / alone - 1)
    return {"served_s": served, "simulated_s": alone, "difference_percent": difference, "drives": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server")
    parser.add_argument("--slots", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with served(given.server) as address:
        found = {name: compared(address, given.slots, given.seeds, by_place) for name, by_place in NAMED.items()}
    found = {
        "command": f"python benchmarks/drive.py --slots {given.slots} --seeds {given.seeds}",
        "slots": given.slots,
        **found,
    }
    text = json.dumps(found, indent=2)
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()

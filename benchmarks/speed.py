"""Speed of the environment, of a decision, and of an update, as figures and as ratios taken in one run.

Run: python benchmarks/speed.py [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from edgewise.algorithms.base import Transition
from edgewise.algorithms.cgdm import CGDM, CGDMConfig
from edgewise.environments.environment import step_autoreset
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration

COPIES = 512
SLOTS = 200
REPEATS = 7


def seconds(call: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Median wall time of a call after one that compiles it."""
    jax.block_until_ready(call())
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def environment_rate(config: AgentMigrationConfig, copies: int = COPIES, slots: int = SLOTS) -> float:
    """Environment steps per second in one compiled loop over vectorised copies, auto-reset included."""
    environment = AgentMigration.build(config)
    step = jax.vmap(step_autoreset, in_axes=(None, 0, 0, 0))

    @eqx.filter_jit
    def play(environment: AgentMigration, key: jax.Array, action: jax.Array) -> jax.Array:
        state, _ = jax.vmap(environment.reset)(jax.random.split(key, copies))

        def advance(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            state, timestep, observation = step(environment, jax.random.split(key, copies), state, action)
            return state, timestep.reward.sum() + observation.sum()

        _, rewards = jax.lax.scan(advance, state, jax.random.split(key, slots))
        return rewards

    action = jax.random.uniform(jax.random.key(1), (copies, *environment.action_space.shape), minval=-1, maxval=1)
    return copies * slots / seconds(lambda: play(environment, jax.random.key(0), action))


def matmul_rate(rows: int, inner: int, columns: int) -> float:
    """Float32 multiply-adds times two per second of one matrix product repeated in a compiled loop."""
    count = max(20, int(4e9 / (2 * rows * inner * columns)))
    left = jax.random.normal(jax.random.key(0), (rows, inner))
    right = jax.random.normal(jax.random.key(1), (inner, columns)) / inner**0.5

    @jax.jit
    def repeat(left: jax.Array, right: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, count, lambda _, x: jnp.tanh(x[:, :1]) + (x @ right), left)

    return 2 * rows * inner * columns * count / seconds(lambda: repeat(left, right))


def decision_seconds(batch: int) -> float:
    """Median wall time of one deterministic decision, from a NumPy observation to a NumPy action."""
    environment = AgentMigration.build()
    algorithm = CGDM(CGDMConfig(), environment.spaces, 1)
    policy = algorithm.policy(algorithm.init(jax.random.key(0)))
    arrays, structure = jax.tree.flatten(policy)
    compiled = jax.jit(lambda arrays, observation: jax.tree.unflatten(structure, arrays)(observation, None))
    observation = jnp.zeros((batch, *environment.observation_space.shape))
    return seconds(lambda: compiled(arrays, observation), repeats=2000)


def update_work(config: CGDMConfig, observation: int, action: int) -> float:
    """Floating-point operations of the matrix products of one update (two per multiply-add).

    A gradient with respect to weights and input costs two products per layer, with respect to one of them one.
    """
    first, *rest = config.hidden
    body = sum(a * b for a, b in zip(config.hidden, [*rest, action], strict=True))
    network = action * first + body
    chain = config.denoising_steps * network
    condition = observation * first
    critic_body = sum(a * b for a, b in zip(config.hidden, [*rest, 1], strict=True))
    critic_in = (observation + action) * first
    products = (
        (chain + condition)  # target action
        + 2 * (critic_in + critic_body)  # target values
        + 2 * (critic_in + critic_body + (critic_in + 2 * critic_body))  # critic loss and gradient
        + 3 * chain + 2 * condition  # action and its gradient through the chain
        + 2 * (critic_in + critic_body + (action * first + critic_body))  # its value and gradient for the action
        + 3 * network + 2 * condition  # consistency loss and gradient
        + network + condition  # confidence
    )  # fmt: skip
    return 2.0 * config.batch_size * products


def update_seconds(config: CGDMConfig) -> tuple[float, float]:
    """Wall time of one update inside a compiled loop, and its matrix work in floating-point operations."""
    environment = AgentMigration.build()
    algorithm = CGDM(config, environment.spaces, 1000)
    o, a = environment.observation_space.shape[0], environment.action_space.shape[0]
    key = jax.random.key(0)
    b = config.batch_size
    batch = Transition(
        jax.random.normal(key, (b, o)),
        jax.random.uniform(key, (b, a), minval=-1, maxval=1),
        jax.random.normal(key, (b,)),
        jnp.full(b, 0.8),
        jax.random.normal(key, (b, o)),
    )
    count = 20

    @eqx.filter_jit
    def repeat(algorithm: CGDM, state: Any, batch: Transition) -> Any:
        return jax.lax.scan(lambda s, k: algorithm.update(s, batch, k), state, jax.random.split(key, count))

    state = algorithm.init(key)
    return seconds(lambda: repeat(algorithm, state, batch)) / count, update_work(config, o, a)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {len(jax.devices())} {jax.devices()[0].platform} device"
    }

    rate = environment_rate(AgentMigrationConfig())
    result["environment_steps_per_s"] = rate
    print(f"environment, {COPIES} copies, 8 vehicles, 4 RSUs: {rate:,.0f} steps/s")

    for batch in (1, 512):
        result[f"decision_us_batch_{batch}"] = 1e6 * decision_seconds(batch)
        print(f"one decision, 5 denoising steps, batch {batch}: median {result[f'decision_us_batch_{batch}']:,.0f} us")

    config = CGDMConfig()
    took, work = update_seconds(config)
    square = matmul_rate(config.batch_size, 256, 256)
    large = matmul_rate(2048, 2048, 2048)
    result |= {
        "update_ms": 1e3 * took,
        "update_gflop": work / 1e9,
        "matmul_256_gflops": square / 1e9,
        "matmul_2048_gflops": large / 1e9,
        "update_share_of_matmul_256": work / took / square,
        "update_share_of_matmul_2048": work / took / large,
    }
    print(
        f"one update, batch 256, hidden 256, 5 steps: {1e3 * took:.2f} ms for {work / 1e9:.2f} GFLOP of matrix products = "
        f"{work / took / 1e9:.0f} GFLOP/s\n"
        f"  matrix products alone: {square / 1e9:.0f} GFLOP/s at 256x256x256, {large / 1e9:.0f} at 2048^3; "
        f"the update reaches {work / took / square:.0%} and {work / took / large:.0%} of them"
    )

    print("environment steps/s by size (128 copies)")
    sizes = []
    print("  vehicles\\RSUs " + "".join(f"{s:>12}" for s in (4, 8, 16, 32)))
    for vehicles in (8, 16, 32, 64):
        row = [environment_rate(AgentMigrationConfig(vehicles=vehicles, rsus=s), 128, 50) for s in (4, 8, 16, 32)]
        sizes.append({"vehicles": vehicles, "rsus": [4, 8, 16, 32], "steps_per_s": row})
        print(f"  {vehicles:>13} " + "".join(f"{r:>12,.0f}" for r in row))
    result["sizes"] = sizes
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

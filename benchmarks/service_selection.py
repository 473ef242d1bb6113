"""Service selection: speed of the environment and of a decision, the default D2SAC run, and ten seeds against one.

Run: python benchmarks/service_selection.py [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pandas as pd
from speed import seconds

from edgewise.environments import registry
from edgewise.environments.environment import step_autoreset
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.training.build import build
from edgewise.training.judgement import judge_references
from edgewise.training.presets import default_configs
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig

SYSTEM, ALGORITHM = "service-selection", "d2sac"
COPIES, STEPS = 512, 500
COMPILE_EVENTS = ("/jax/core/compile/backend_compile_duration", "/jax/core/compile/jaxpr_to_mlir_module_duration",
                  "/jax/core/compile/jaxpr_trace_duration")  # fmt: skip


def environment_rate() -> float:
    """Environment steps per second in one compiled loop over vectorised copies, auto-reset included."""
    environment = ServiceSelection(ServiceSelectionConfig())
    step = jax.vmap(step_autoreset, in_axes=(None, 0, 0, 0))

    @eqx.filter_jit
    def play(environment: ServiceSelection, key: jax.Array) -> jax.Array:
        state, _ = jax.vmap(environment.reset)(jax.random.split(key, COPIES))

        def advance(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            action_key, step_key = jax.random.split(key)
            action = jax.random.randint(action_key, (COPIES,), 0, environment.action_space.n)
            state, timestep, observation = step(environment, jax.random.split(step_key, COPIES), state, action)
            return state, timestep.reward.sum() + observation.sum()

        _, rewards = jax.lax.scan(advance, state, jax.random.split(key, STEPS))
        return rewards

    return COPIES * STEPS / seconds(lambda: play(environment, jax.random.key(0)))


def decision_seconds(run: RunConfig, batch: int) -> float:
    """Median wall time of one deterministic decision."""
    _, loop = build(run)
    policy = loop.policy(loop.algorithm.init(jax.random.key(0)))
    arrays, structure = jax.tree.flatten(policy)
    compiled = jax.jit(lambda arrays, observation: jax.tree.unflatten(structure, arrays)(observation, None))
    observation = jnp.zeros((batch, policy.observation_size))
    return seconds(lambda: compiled(arrays, observation), repeats=2000)


def default_run(run: RunConfig) -> dict[str, Any]:
    """Wall time, compile time and peak memory of a run, when it passed the references, and what it reached in the test."""
    entry = registry.find(SYSTEM)
    environment = entry.build_evaluation(run.environment_config)
    compiling = 0.0

    def count(event: str, duration: float, **_: object) -> None:
        nonlocal compiling
        compiling += duration if event in COMPILE_EVENTS else 0.0

    jax.monitoring.register_event_duration_secs_listener(count)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        test = train(Path(folder) / "run", run, lambda done, text: print(f"{done:>9,} steps  {text}", flush=True))
        wall = time.perf_counter() - begin
        memory, compile_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, compiling
        table = pd.read_csv(Path(folder) / "run" / "metrics.csv")
    references = {
        judgement.name: judgement.mean("return")
        for judgement in judge_references(
            entry,
            environment,
            ("crash-avoid", "prophet"),
            run.training.evaluation_episodes,
            run.training.evaluation_seed,
        )
    }

    def reached(reward: float) -> float | None:
        passed = table[table["return"] >= reward]
        return None if passed.empty else float(passed["wall_s"].min())

    return {
        "wall_s": wall,
        "compile_s": compile_s,
        "peak_memory_gib": memory,
        "environment_steps": run.training.steps_done(run.training.evaluations),
        "updates": run.training.total_updates,
        "crash_avoid": references["crash-avoid"],
        "prophet": references["prophet"],
        "seconds_to_crash_avoid": reached(references["crash-avoid"]),
        "seconds_to_0.90_of_prophet": reached(0.9 * references["prophet"]),
        "test_return": test["return"]["mean"][0],
        "test_crashed_share": test["crashed"]["mean"][0],
    }


def chunk_seconds(run: RunConfig, seeds: int) -> float:
    """Wall time of a chunk of a run over several seeds, compiled before."""
    _, loop = build(replace(run, training=replace(run.training, seeds=seeds)))
    start = eqx.filter_jit(lambda loop, keys: eqx.filter_vmap(loop.start)(keys))
    chunk = eqx.filter_jit(lambda loop, state: eqx.filter_vmap(loop.chunk)(state))
    state = start(loop, jax.random.split(jax.random.key(0), seeds))
    return seconds(lambda: chunk(loop, state), repeats=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    algorithm, training = default_configs(SYSTEM, ALGORITHM)
    run = RunConfig(SYSTEM, ServiceSelectionConfig(), ALGORITHM, algorithm, replace(training, evaluations=50))
    result: dict[str, Any] = default_run(run)
    result["environment_steps_per_s"] = environment_rate()
    for batch in (1, 512):
        result[f"decision_us_batch_{batch}"] = 1e6 * decision_seconds(run, batch)
    short = replace(run, training=replace(training, steps=40_000, evaluations=1, replay_capacity=40_000))
    one, ten = (chunk_seconds(short, seeds) for seeds in (1, 10))
    result |= {"one_seed_chunk_s": one, "ten_seeds_chunk_s": ten, "ten_seeds_over_one": ten / one}
    for name, value in result.items():
        print(f"{name}: {value if value is None else format(value, ',.2f')}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

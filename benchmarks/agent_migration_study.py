"""Measured claims on agent migration: the default run, its variants, the trends of the paper's Figs. 6 to 9, a real trace.

Run: python benchmarks/agent_migration_study.py {default,variants,trends,trace} [--trace FILE] [--results FOLDER]

Every part writes one JSON file with budget, seeds and figures. Test episodes have randomness that neither training nor the
choice of the best policy has used.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from edgewise.algorithms.cgdm import CGDM, CGDMConfig
from edgewise.environments import registry
from edgewise.policies.learned import LearnedPolicy
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.files import save_scenario
from edgewise.systems.agent_migration.mobility.prepare import prepare_scenario
from edgewise.systems.agent_migration.mobility.trace import read_trace
from edgewise.training.evaluation import evaluate
from edgewise.training.judgement import judge_policies, judge_references
from edgewise.training.off_policy import OffPolicyConfig, OffPolicyLoop
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig

ENTRY = registry.find("agent-migration")
TEST_SEED, TEST_EPISODES = 1_000_003, 200
QUICK_STEPS = 150_000
TRENDS = {
    "fig6_data_mb": [100.0, 300.0, 600.0],
    "fig7_rate_mbps": [100.0, 200.0, 300.0],
    "fig8_cpu_mhz": [100.0, 200.0, 300.0],
    "fig9_attack_frequency": [0.0, 0.3, 1.0],
}
TREND_STEPS = 80_000
TRACE_SLOTS = 25
TRACE_STEPS, TRACE_SEEDS = 80_000, 2


def learn(config: AgentMigrationConfig, algorithm: CGDMConfig, training: OffPolicyConfig) -> dict[str, Any]:
    """Train, test the best policies, and tell what came out."""
    run = RunConfig("agent-migration", config, "cgdm", algorithm, training)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        begin = time.perf_counter()
        train(folder, run, lambda done, text: print(f"  {done:,} steps  {text}", flush=True))
        wall = time.perf_counter() - begin
        environment = ENTRY.build_evaluation(config)
        judged = judge_policies(run, folder, environment, "best", TEST_EPISODES, TEST_SEED)
    return {
        "steps_per_seed": training.steps_done(training.evaluations),
        "updates_per_seed": training.total_updates,
        "seeds": training.seeds,
        "wall_s": round(wall, 1),
        "test_episodes": TEST_EPISODES,
        "latency_per_seed": judged.values["latency"].mean(1).round(2).tolist(),
        **{name: round(judged.value(name), 3) for name in ("latency", "return", *ENTRY.columns)},
        "latency_interval": [round(x, 2) for x in (judged.estimate("latency").low, judged.estimate("latency").high)],
    }


def references(environment: AgentMigration, names: tuple[str, ...]) -> dict[str, float]:
    """Test latency of reference policies on the same episodes."""
    judged = judge_references(ENTRY, environment, names, TEST_EPISODES, TEST_SEED)
    return {row.name: round(row.value("latency"), 2) for row in judged}


def default() -> dict[str, Any]:
    """Five seeds of the default run beside every reference."""
    result = learn(AgentMigrationConfig(), CGDMConfig(), OffPolicyConfig(seeds=5))
    return {"cgdm": result, "references": references(AgentMigration.build(), ENTRY.reference_names)}


def variants(chosen: list[str]) -> dict[str, Any]:
    """CGDM, its ablations, the printed tanh chain, Table II to the letter, and CGDM without reputation; equal budgets."""
    training = OffPolicyConfig(steps=QUICK_STEPS, evaluations=10, seeds=3)
    literal = CGDMConfig(
        squash=True, actor_rate=1e-4, critic_rate=1e-3, discount=0.95, final_rate=1.0, exploration=0.0, consistency_weight=1.0,
        value_scale="magnitude", deploy_average=False,
    )  # fmt: skip
    system, base = AgentMigrationConfig(), CGDMConfig()
    cases = {
        "cgdm": (system, base),
        "without reputation": (replace(system, observe_reputation=False), base),
        "tanh chain (31)": (system, replace(base, squash=True)),
        "tanh chain and Table II to the letter": (system, literal),
        "clipped chain and Table II to the letter": (system, replace(literal, squash=False)),
        "without confidence": (system, replace(base, confidence_sensitivity=0.0)),
        "without consistency": (system, replace(base, consistency_weight=0.0)),
        "gdm": (system, replace(base, confidence_sensitivity=0.0, consistency_weight=0.0)),
    }
    result = {}
    for name in chosen or cases:
        config, algorithm = cases[name]
        print(name, flush=True)
        result[name] = learn(config, algorithm, training)
        print(name, result[name]["latency"], result[name]["latency_interval"], flush=True)
    return result


def trend_config(figure: str, value: float) -> AgentMigrationConfig:
    """The configuration of one point of Figs. 6 to 9."""
    if figure == "fig6_data_mb":
        return AgentMigrationConfig(raw_data_mb=value, agent_data_mb=value)
    if figure == "fig7_rate_mbps":
        return AgentMigrationConfig(link_rate_mbps=value)
    if figure == "fig8_cpu_mhz":
        return AgentMigrationConfig(cpu_mhz=value)
    return AgentMigrationConfig(attack_frequency=value)


def trends() -> dict[str, Any]:
    """One learner per point of Figs. 6 to 9, all of them in one program: the swept numbers are array leaves."""
    points = [(figure, value) for figure, values in TRENDS.items() for value in values]
    environments = [AgentMigration.build(trend_config(*point)) for point in points]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *environments)
    training = OffPolicyConfig(steps=TREND_STEPS, evaluations=1, replay_capacity=TREND_STEPS)
    algorithm = CGDM(CGDMConfig(), environments[0].spaces, training.total_updates)
    keys = jax.random.split(jax.random.key(training.seed), len(points))

    @eqx.filter_jit
    def learn_all(environments: AgentMigration, keys: jax.Array) -> dict[str, jax.Array]:
        def one(environment: AgentMigration, key: jax.Array) -> dict[str, jax.Array]:
            loop = OffPolicyLoop(environment, algorithm, training)
            state, _ = loop.chunk(loop.start(key), loop.config.iterations_done(1))
            policy = LearnedPolicy(algorithm.policy(state.train_state))
            return evaluate(environment, policy, jax.random.key(TEST_SEED), 50)

        return eqx.filter_vmap(one)(environments, keys)

    begin = time.perf_counter()
    learned = {name: np.asarray(values) for name, values in learn_all(stacked, keys).items()}
    print(f"{len(points)} learners in one program: {time.perf_counter() - begin:.0f} s", flush=True)
    result: dict[str, Any] = {"steps_per_point": training.steps_done(1), "updates_per_point": training.total_updates}
    names = ("random", "nearest-next", "look-ahead")
    for index, (figure, value) in enumerate(points):
        compared = references(environments[index], names)
        row = {"value": value, "cgdm": round(float(learned["latency"][index].mean()), 2), **compared}
        result.setdefault(figure, []).append(row)
        print(figure, row, flush=True)
    return result


def trace(file: Path) -> dict[str, Any]:
    """Train on the early part of a real trace, test on its later part."""
    with tempfile.TemporaryDirectory() as scratch:
        scenario = prepare_scenario(read_trace(file))
        path = save_scenario(Path(scratch) / "scenario.npz", scenario)
        config = AgentMigrationConfig(mobility=str(path), slots=TRACE_SLOTS)
        result = learn(config, CGDMConfig(), OffPolicyConfig(steps=TRACE_STEPS, evaluations=5, seeds=TRACE_SEEDS))
        names = ("random", "nearest-next", "least-loaded", "look-ahead-blind-defended", "look-ahead", "oracle")
        slots, places = scenario.handover.shape
        return {
            "source": file.name,
            "window_s": scenario.window,
            "slots": slots,
            "places": places,
            "episode_slots": TRACE_SLOTS,
            "training_share": config.training_share,
            "cgdm": result,
            "references": references(ENTRY.build_evaluation(config), names),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["default", "variants", "trends", "trace"])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="variants to run; all of them by default")
    parser.add_argument("--trace", type=Path, default=Path("../shared/data/mobility/bologna-acosta.csv.gz"))
    parser.add_argument("--results", type=Path, default=Path("results/agent-migration"))
    options = parser.parse_args()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "default": default,
        "variants": lambda: variants(options.only),
        "trends": trends,
        "trace": lambda: trace(options.trace),
    }
    result = parts[options.part]()
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / f"{options.part}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

"""Reference policies beside the figures expected of them, and how they follow data, bandwidth, processors, attacks.

Run: python benchmarks/heuristics.py [--episodes N] [--sweep-episodes N] [--seed N] [--no-sweeps]
Every policy meets the same episodes. Figures are seconds of total latency per slot, mean +- standard error over
episodes; in brackets those of an independent NumPy implementation.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from edgewise.environments.episode import act, begin
from edgewise.environments.system import Reference
from edgewise.systems.agent_migration.bound import latency_bound
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.references import build

# latency s/slot, return per episode, violations, missing copies and defences per slot: docs/systems/agent-migration.md
EXPECTED: dict[str, tuple[float, float | None, float | None, float | None, float | None]] = {
    "random": (625.5, -149.9, 7.2, 3.09, 2.02),
    "least-loaded-naive": (872.9, -204.0, 7.0, 2.01, 0.0),
    "least-loaded": (511.4, -116.9, 4.8, 0.96, 0.0),
    "nearest": (517.9, -119.9, 4.5, 0.68, 0.0),
    "nearest-next": (501.0, -116.1, 4.4, 0.67, 0.0),
    "nearest-next-shares": (488.4, -113.5, 4.4, 0.67, 0.0),
    "nearest-next-defence": (387.1, -90.6, 3.8, 0.15, 1.69),
    "highest-reputation": (487.9, -116.3, 5.8, 0.65, 0.0),
    "highest-reputation-defence": (468.8, -113.5, 6.6, 0.31, 2.54),
    "look-ahead-blind": (421.8, -96.0, 3.6, 0.79, 0.0),
    "look-ahead-blind-defended": (346.9, -80.5, 3.9, 0.08, 4.0),
    "look-ahead-undefended": (384.2, -86.9, 2.9, 0.53, 0.0),
    "look-ahead": (330.3, -72.3, 1.5, 0.29, 0.93),
    "oracle-undefended": (355.0, -80.7, 3.0, 0.40, 0.0),
    "oracle": (294.3, -63.7, 1.0, 0.15, 0.50),
}
EXPECTED_BOUND = 255.2

# title, configuration fields set to x, values of x, and per policy the expected row (8 episodes; none where not given)
Row = tuple[float | None, ...]
SWEEPS: tuple[tuple[str, tuple[str, ...], tuple[float, ...], dict[str, Row]], ...] = (
    (
        "Fig. 6, data in MB",
        ("raw_data_mb", "agent_data_mb"),
        (100, 200, 300, 400, 500, 600),
        {
            "random": (205, 370, 535, 700, 865, 1030),
            "nearest-next": (145, 290, 435, 580, 725, 870),
            "look-ahead-blind": (120, 240, 360, 482, 596, 716),
            "look-ahead": (116, 201, 288, 377, 467, 556),
        },
    ),
    (
        "Fig. 7, link rate in Mbit/s",
        ("link_rate_mbps",),
        (100, 150, 200, 250, 300),
        {
            "random": (781, 653, 589, 551, 526),
            "nearest-next": (651, 538, 482, 448, 425),
            "look-ahead-blind": (548, 435, 374, 338, 316),
            "look-ahead": (433, 343, 298, 272, 253),
        },
    ),
    (
        "Fig. 8, processor in MHz",
        ("cpu_mhz",),
        (100, 150, 200, 250, 300),
        {
            "random": (862, 670, 576, 521, 485),
            "nearest-next": (674, 515, 437, 390, 359),
            "look-ahead-blind": (570, 448, 386, 350, 323),
            "look-ahead": (440, 355, 306, 275, 261),
        },
    ),
    (
        "Fig. 9, attack frequency",
        ("attack_frequency",),
        (0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1),
        {
            "random": (535, 576, 602, 624, 649, 663, 689, 694),
            "nearest-next": (313, 401, 463, 505, 531, 552, 566, 568),
            "look-ahead-blind": (261, 339, 386, 413, 440, 456, 472, 475),
            "look-ahead-blind-defended": (341, 343, 344, 346, 350, 351, None, 354),
            "look-ahead-undefended": (266, 327, 363, 378, 393, 402, None, 407),
            "look-ahead": (262, 295, 314, 324, 333, 336, 338, 338),
            "oracle": (258, 272, 281, 290, 304, 311, 317, 318),
        },
    ),
)


@eqx.filter_jit
def rollout(environment: AgentMigration, policy: Reference, keys: PRNGKeyArray, slots: int) -> dict[str, Array]:
    """Episode means of every info term, the return, and the lower bound; [episodes] each."""

    def slot(carry: Any, key: PRNGKeyArray) -> tuple[Any, dict[str, Array]]:
        state, observation, memory = carry
        own, advance = jax.random.split(key)
        action, memory = act(policy, own, state, observation, memory)
        next_state, timestep = environment.step(advance, state, action)
        terms = timestep.info | {"return": slots * timestep.reward}
        return (next_state, timestep.observation, memory), terms

    def episode(key: PRNGKeyArray) -> dict[str, Array]:
        reset, steps = jax.random.split(key)
        state, observation = environment.reset(reset)
        start = (state, observation, begin(policy, state))
        terms = jax.lax.scan(slot, start, jax.random.split(steps, slots))[1]
        return {name: term.mean() for name, term in terms.items()}

    return jax.vmap(episode)(keys)


@eqx.filter_jit
def bound(environment: AgentMigration, keys: PRNGKeyArray, slots: int) -> Array:
    """Mean lower bound of the same episodes; [episodes]."""
    still = jnp.zeros(environment.action_space.shape)

    def episode(key: PRNGKeyArray) -> Array:
        reset, steps = jax.random.split(key)

        def slot(state: Any, key: PRNGKeyArray) -> tuple[Any, Array]:
            _, advance = jax.random.split(key)
            return environment.step(advance, state, still)[0], latency_bound(environment, state)

        return jax.lax.scan(slot, environment.reset(reset)[0], jax.random.split(steps, slots))[1].mean()

    return jax.vmap(episode)(keys)


def mean_and_error(values: Array) -> tuple[float, float]:
    """Mean and its standard error."""
    numbers = np.asarray(values, dtype=float)
    return float(numbers.mean()), float(numbers.std(ddof=1) / np.sqrt(len(numbers)))


def print_table(keys: PRNGKeyArray) -> None:
    """All policies at the default setting."""
    config = AgentMigrationConfig()
    environment = AgentMigration.build(config)
    print(f"Default setting, {len(keys)} episodes (expected figures in brackets)")
    print(
        f"{'policy':28}{'latency s/slot':>26}{'return':>18}"
        f"{'violations':>14}{'no copy':>14}{'defences':>14}{'seconds':>9}"
    )
    for name, policy in build(environment).items():
        start = time.perf_counter()
        terms = rollout(environment, policy, keys, config.slots)
        mean, error = mean_and_error(terms["latency"])
        row = EXPECTED.get(name, (None,) * 5)
        others = [
            f"{mean_and_error(terms[key])[0]:.{digits}f} [{'-' if known is None else f'{known:.{digits}f}'}]"
            for key, known, digits in zip(
                ("return", "violations", "missing_copies", "defences"), row[1:], (1, 1, 2, 2), strict=True
            )
        ]
        latency = f"{mean:.1f} +- {error:.1f} [{'-' if row[0] is None else row[0]}]"
        print(
            f"{name:28}{latency:>26}{others[0]:>18}{others[1]:>14}{others[2]:>14}{others[3]:>14}"
            f"{time.perf_counter() - start:>9.1f}",
            flush=True,
        )
    mean, error = mean_and_error(bound(environment, keys, config.slots))
    print(f"{'lower bound':28}{f'{mean:.1f} +- {error:.1f} [{EXPECTED_BOUND}]':>26}\n")


def print_sweep(
    title: str, fields: Sequence[str], values: Sequence[float], rows: dict[str, Row], keys: PRNGKeyArray
) -> None:
    """One swept parameter; the expected figure of each point in brackets."""
    print(f"{title}, {len(keys)} episodes")
    print(f"{'policy':28}" + "".join(f"{value:>18g}" for value in values))
    means: dict[str, list[float]] = {}
    for name, known in rows.items():
        cells = []
        for value, figure in zip(values, known, strict=True):
            config = AgentMigrationConfig(**{field: float(value) for field in fields})  # type: ignore[arg-type]
            environment = AgentMigration.build(config)
            terms = rollout(environment, build(environment)[name], keys, config.slots)
            mean, error = mean_and_error(terms["latency"])
            means.setdefault(name, []).append(mean)
            cells.append(f"{mean:.0f} +- {error:.0f} [{'-' if figure is None else f'{figure:g}'}]")
        print(f"{name:28}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    saved = [1 - best / base for best, base in zip(means["look-ahead"], means["random"], strict=True)]
    print(f"{'look-ahead below random':28}" + "".join(f"{part:>18.3f}" for part in saved) + "\n")


def main() -> None:
    """Print the table and the sweeps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=50, help="episodes of the table (default: 50)")
    parser.add_argument("--sweep-episodes", type=int, default=16, help="episodes of each sweep point (default: 16)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the episodes (default: 0)")
    parser.add_argument("--no-sweeps", action="store_true", help="print the table only")
    arguments = parser.parse_args()
    for name in ("episodes", "sweep_episodes"):
        if getattr(arguments, name) < 2:
            parser.error(f"--{name.replace('_', '-')} = {getattr(arguments, name)}: must be at least 2")
    start = time.perf_counter()
    key = jax.random.key(arguments.seed)
    print_table(jax.random.split(key, arguments.episodes))
    if not arguments.no_sweeps:
        for title, fields, values, rows in SWEEPS:
            print_sweep(title, fields, values, rows, jax.random.split(key, arguments.sweep_episodes))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()

"""What a policy for any fleet is worth where it has not been trained: other instances, other sizes, a real trace.

Run: python benchmarks/general.py POLICY [POLICY ...] [--cases NAME ...] [--references NAME ...] [--cache FILE] [--trace FILE]
[--out FILE]

A POLICY is the folder of an artefact or of a run, or the name of a reference policy. All play the same episodes. What
reference policies reached is kept in the cache, by the digest of the instance, so that it is played once. Every size is compiled
once for each policy; figures are means over episodes of the latency per slot in s. A policy in memory is judged by
`judge(name, policy, instances(cases, trace, folder))`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from edgewise.environments import registry
from edgewise.environments.episode import record_episode
from edgewise.environments.instances import stack
from edgewise.policies.artefact import load_policy
from edgewise.policies.learned import LearnedPolicy
from edgewise.systems.agent_migration.build import on_scenario
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.systems.agent_migration.entities import EntityMigration
from edgewise.systems.agent_migration.environment import AgentMigration
from edgewise.systems.agent_migration.files import load_scenario, save_scenario
from edgewise.systems.agent_migration.instances import held_out
from edgewise.systems.agent_migration.mobility.prepare import prepare_scenario
from edgewise.systems.agent_migration.mobility.scenario import split_in_time
from edgewise.systems.agent_migration.mobility.trace import read_trace

ENTRY = registry.find("agent-migration")
TEST_SEED = 1_000_003
"""Randomness of the episodes, that of `agent_migration_study.py`."""
HELD_OUT_SEED = 0
HELD_OUT_EPISODES = 10
HELD_OUT_TEST_SEED = 2
HELD_OUT = 40
TRACE_SLOTS = 25
TRACE_SHARE = 0.6
"""Part of the trace's time that stays out of it; training on the trace would see it."""
PAIRS_AT_ONCE = 3200
"""Vehicle-unit pairs stepped side by side: 100 episodes of 8 x 4. It bounds memory."""
METRICS = ("latency", "return", "violations", "defences", "attacked")
REFERENCES = ("random", "nearest-next", "look-ahead", "filtering-look-ahead", "far-sighted-look-ahead", "oracle")
SIZES = {
    "default": (8, 4, 200),
    "12x4": (12, 4, 100),
    "16x8": (16, 8, 100),
    "6x9": (6, 9, 100),
    "32x16": (32, 16, 50),
    "64x16": (64, 16, 20),
}
"""The default system with other numbers of vehicles and units, and the episodes on each."""
TRACES = {"bologna-8": (8, 100), "bologna-32": (32, 50)}
"""Vehicles on the four units of the trace, and episodes."""
CASES = ("held-out", *SIZES, *TRACES)

Player = Callable[[AgentMigration], tuple[Any, Any]]
"""From an instance to what is played, in the form that the policy takes, and the policy."""


@dataclass(frozen=True)
class Instance:
    """One system to play.

    Attributes:
        case: the name of its case.
        number: among the instances of the case.
        environment: the system.
        episodes: how many.
        seed: their randomness.
    """

    case: str
    number: int
    environment: AgentMigration
    episodes: int
    seed: int = TEST_SEED

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits for everything that is played."""
        total = hashlib.sha256(f"{self.environment.slots} {self.environment.trust_window}".encode())
        for leaf in jax.tree.leaves(self.environment):
            total.update(np.asarray(leaf).tobytes())
        return total.hexdigest()[:8]


def instances(cases: Iterable[str], trace: Path, scratch: Path) -> list[Instance]:
    """The instances of some cases.

    Args:
        cases: names of `CASES`.
        trace: the recorded trace.
        scratch: where it is kept as a prepared recording.
    """
    found = []
    for case in cases:
        if case == "held-out":
            drawn = [each for group in held_out(HELD_OUT_SEED, HELD_OUT).values() for each in group]
            found += [
                Instance(case, number, each.build(), HELD_OUT_EPISODES, HELD_OUT_TEST_SEED)
                for number, each in enumerate(drawn)
            ]
        elif case in SIZES:
            vehicles, rsus, episodes = SIZES[case]
            config = AgentMigrationConfig(vehicles=vehicles, rsus=rsus)
            found.append(Instance(case, 0, AgentMigration.build(config), episodes))
        else:
            vehicles, episodes = TRACES[case]
            found.append(Instance(case, 0, on_trace(trace, vehicles, scratch), episodes))
    return found


def on_trace(trace: Path, vehicles: int, scratch: Path) -> AgentMigration:
    """The later window of a trace."""
    kept = scratch / f"{trace.name}.npz"
    if not kept.exists():
        save_scenario(kept, prepare_scenario(read_trace(trace)))
    _, later = split_in_time(load_scenario(kept), TRACE_SHARE)
    return on_scenario(later, AgentMigrationConfig(vehicles=vehicles, slots=TRACE_SLOTS))


def of_reference(name: str) -> Player:
    """A reference policy by its name."""
    return lambda system: (system, ENTRY.references(system, (name,))[name])


def of_learned(policy: Any) -> Player:
    """A learned policy on entities, such as `load_policy(folder).policy`."""
    return lambda system: (EntityMigration(system), LearnedPolicy(policy))


@eqx.filter_jit
def play(environments: Any, policy: Any, player: Callable[[Any], Player], keys: jax.Array) -> dict[str, jax.Array]:
    """Means over the slots of one episode in each of several environments, which are stacked."""

    def one(environment: AgentMigration, key: jax.Array) -> dict[str, jax.Array]:
        played, acting = player(policy)(environment)
        _, steps, _ = record_episode(played, acting, key)
        values = {"return": steps.reward.sum(), **{name: value.mean() for name, value in steps.info.items()}}
        return {name: values[name] for name in METRICS}

    return eqx.filter_vmap(one)(environments, keys)


def figures(group: Sequence[Instance], policy: Any, player: Callable[[Any], Player]) -> list[dict[str, Any]]:
    """What a policy reaches in instances of one size, one row for each.

    Args:
        group: the instances.
        policy: what differs between policies of the same program: a learned policy's module.
        player: from the policy to what plays it.
    """
    first = group[0].environment
    pairs = [(place, episode) for place, each in enumerate(group) for episode in range(each.episodes)]
    keys = [jax.random.split(jax.random.key(each.seed), each.episodes) for each in group]
    stacked = jax.tree.map(np.asarray, stack([each.environment for each in group]))
    chunk = max(1, min(100, PAIRS_AT_ONCE // (first.vehicles * first.rsus)))
    values: dict[str, list[np.ndarray]] = {name: [] for name in METRICS}
    begin = time.perf_counter()
    for start in range(0, len(pairs), chunk):
        chosen = pairs[start : start + chunk]
        padded = chosen + [chosen[-1]] * (chunk - len(chosen))
        places = np.asarray([place for place, _ in padded])
        environments = jax.tree.map(lambda leaf, places=places: leaf[places], stacked)
        drawn = jnp.stack([keys[place][episode] for place, episode in padded])
        for name, value in play(environments, policy, player, drawn).items():
            values[name].append(np.asarray(value, float)[: len(chosen)])
    seconds = time.perf_counter() - begin
    joined = {name: np.concatenate(parts) for name, parts in values.items()}
    owner = np.asarray([place for place, _ in pairs])
    return [
        _row(
            each, {name: value[owner == place] for name, value in joined.items()}, seconds * each.episodes / len(pairs)
        )
        for place, each in enumerate(group)
    ]


def _row(instance: Instance, values: dict[str, np.ndarray], seconds: float) -> dict[str, Any]:
    means = {name: round(float(value.mean()), 4) for name, value in values.items()}
    sem = float(values["latency"].std(ddof=1) / np.sqrt(instance.episodes))
    system = instance.environment
    return {
        "case": instance.case, "instance": instance.number, "vehicles": system.vehicles, "rsus": system.rsus,
        "episodes": instance.episodes, **means, "latency_sem": round(sem, 4), "seconds": round(seconds, 2),
    }  # fmt: skip


def sized(found: Iterable[Instance]) -> list[list[Instance]]:
    """Instances that one program plays, together."""
    groups: dict[Any, list[Instance]] = {}
    for each in found:
        leaves, structure = jax.tree.flatten(each.environment)
        groups.setdefault((structure, tuple(np.shape(leaf) for leaf in leaves)), []).append(each)
    return list(groups.values())


def judge(name: str, policy: Any, found: Sequence[Instance]) -> list[dict[str, Any]]:
    """Rows of a learned policy, in memory or loaded."""
    return [{"policy": name, **row} for group in sized(found) for row in figures(group, policy, of_learned)]


def judge_reference(name: str, found: Sequence[Instance], cache: Path) -> list[dict[str, Any]]:
    """Rows of a reference policy; those in the cache are not played again."""
    known: dict[str, dict[str, Any]] = json.loads(cache.read_text()) if cache.exists() else {}
    address = {id(each): f"{name} {each.digest} {each.episodes} {each.seed}" for each in found}
    missing = [each for each in found if address[id(each)] not in known]
    for group in sized(missing):
        print(f"{name}: {group[0].environment.vehicles} x {group[0].environment.rsus}", file=sys.stderr, flush=True)
        rows = figures(group, name, of_reference)
        known |= {address[id(each)]: row for each, row in zip(group, rows, strict=True)}
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps(known, indent=1) + "\n")
    return [{"policy": name, **known[address[id(each)]], "case": each.case, "instance": each.number} for each in found]


def summary(rows: list[dict[str, Any]], judged: Sequence[str]) -> str:
    """Tables: mean latency by case, and how a judged policy stands against each reference on the held-out instances."""
    table = pd.DataFrame(rows)
    order = list(dict.fromkeys(table["policy"]))
    means = table.pivot_table(index="case", columns="policy", values="latency", sort=False)[order]
    lines = [means.round(1).to_string()]
    if {"random", "oracle"} <= set(order):
        way = (means["random"].to_numpy()[:, None] - means) / (means["random"] - means["oracle"]).to_numpy()[:, None]
        lines += ["", "share of the way from random to oracle", way[[*judged]].round(3).to_string()]
    drawn = table[table["case"] == "held-out"].pivot(index="instance", columns="policy", values="latency")
    for name in judged if len(drawn) else ():
        lines.append("")
        for other in [each for each in order if each != name]:
            ratio = drawn[name] / drawn[other] - 1
            lines.append(
                f"{name} against {other}: ahead on {int((ratio < 0).sum())} of {len(ratio)} held-out instances, "
                f"latency {100 * ratio.mean():+.2f}% on average, worst {100 * ratio.max():+.1f}%"
            )
    return "\n".join(lines)


def _policy_folder(path: Path) -> Path:
    return path if (path / "policy.json").exists() else path / "policy" / "best" / "seed-0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policies", nargs="*", metavar="POLICY")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--references", nargs="*", default=list(REFERENCES))
    parser.add_argument("--cache", type=Path, default=Path("runs/general/references.json"))
    parser.add_argument("--trace", type=Path, default=Path("../shared/data/mobility/bologna-acosta.csv.gz"))
    parser.add_argument("--out", type=Path, help="write all rows as JSON")
    options = parser.parse_args()
    options.cache.parent.mkdir(parents=True, exist_ok=True)
    found = instances(options.cases, options.trace, options.cache.parent)
    rows = [row for name in options.references for row in judge_reference(name, found, options.cache)]
    judged = []
    for name in options.policies:
        if name in ENTRY.reference_names:
            rows += judge_reference(name, found, options.cache)
        else:
            rows += judge(name, load_policy(_policy_folder(Path(name))).policy, found)
        judged.append(name)
    if options.out is not None:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
    print(summary(rows, judged))


if __name__ == "__main__":
    main()

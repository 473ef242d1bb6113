"""What policies for any providers are worth at providers that they have never seen, in the first episode there and in the second.

Run: python benchmarks/providers.py [POLICY ...] [--cases NAME ...] [--requests FILE] [--noise SD] [--delay]
[--decisions] [--out FILE]

A POLICY is the folder of an artefact or of a run, or the name of a reference policy. All play the same tasks. In the second
episode what was learned in the first is kept. Figures are episode rewards over those of Prophet, instance by instance. "20" and
the other numbers are providers drawn as in the paper, at its load; "drawn" has the ranges of training; "recorded-20" and
"recorded-40" serve the later part of the requests in a file.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pandas as pd

from edgewise.environments.episode import record_episode
from edgewise.environments.instances import stack
from edgewise.environments.registry import find
from edgewise.policies.artefact import load_policy
from edgewise.policies.learned import LearnedPolicy
from edgewise.systems.service_selection.build import fit_requests, part_of
from edgewise.systems.service_selection.configuration import ServiceSelectionConfig
from edgewise.systems.service_selection.entities import EntitySelection
from edgewise.systems.service_selection.environment import ServiceSelection
from edgewise.systems.service_selection.instances import PER_PROVIDER, draw_instances
from edgewise.systems.service_selection.requests import read_requests
from edgewise.systems.service_selection.sampling import draw_providers

SYSTEM = find("service-selection")
REFERENCES = ("prophet", "optimistic", "thompson", "epsilon-greedy", "bid-price", "bid-price-prophet")
PROPHET = "prophet"
FIRST_SEED = 20_000
"""Instance seeds from here on are those of the benchmark; training draws its instances from other streams."""
EPISODES_SEED = 1_000_003
CASES: dict[str, tuple[int, int]] = {
    "20": (20, 100),
    "5": (5, 40),
    "10": (10, 40),
    "40": (40, 40),
    "80": (80, 20),
    "drawn": (20, 40),
    "recorded-20": (20, 40),
    "recorded-40": (40, 20),
}
"""Providers and instances of each case."""
AT_ONCE = 800
"""Providers stepped side by side. It bounds memory."""


def instances(case: str, requests: Path, changes: dict[str, Any], earlier: int) -> list[ServiceSelection]:
    """The systems of a case, with so many episodes before the one that counts."""
    size, count = CASES[case]
    changes = {**changes, "earlier_episodes": earlier}
    config = ServiceSelectionConfig(providers=size, arrival_rate=PER_PROVIDER * size, **changes)
    if case == "drawn":
        return draw_instances(replace(config, arrival_rate=0.001), size, count, FIRST_SEED, "held out")
    drawn = [draw_providers(jax.random.key(FIRST_SEED + number), size) for number in range(count)]
    arrivals = None
    if case.startswith("recorded"):
        arrivals = part_of(fit_requests(read_requests(requests), config), config, "evaluation")
    return [ServiceSelection(config, providers, arrivals, places=9) for providers in drawn]


@eqx.filter_jit
def play(systems: Any, policy: Any, reference: str | None, keys: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Reward and lost tasks of one episode in each of several systems."""

    def one(system: ServiceSelection, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        played = EntitySelection(system) if reference is None else system
        acting = LearnedPolicy(policy) if reference is None else SYSTEM.references(system, (reference,))[reference]
        _, steps, _ = record_episode(played, acting, key)
        return steps.reward.sum(), steps.info["crashed"].sum()

    return eqx.filter_vmap(one)(systems, keys)


def figures(systems: list[ServiceSelection], policy: Any, reference: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Reward and part of the tasks that are lost, for every system."""
    keys = jax.random.split(jax.random.key(EPISODES_SEED), len(systems))
    stacked = stack(systems)
    chunk = max(1, AT_ONCE // len(systems[0].providers.capacity))
    found = []
    for start in range(0, len(systems), chunk):
        places = np.minimum(np.arange(start, start + chunk), len(systems) - 1)
        some = jax.tree.map(lambda leaf, places=places: leaf[places], stacked)
        kept = min(chunk, len(systems) - start)
        found.append([np.asarray(each, float)[:kept] for each in play(some, policy, reference, keys[places])])
    reward, lost = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return reward, lost / systems[0].config.tasks


def decide_s(policy: Any, providers: int, batch: int, repeats: int = 300) -> float:
    """Least seconds of a decision for waiting tasks, the observation included, in one compiled program."""
    system = EntitySelection(ServiceSelection(ServiceSelectionConfig(providers=providers), places=9))
    states, _ = jax.vmap(system.reset)(jax.random.split(jax.random.key(0), batch))

    @eqx.filter_jit
    def decide(policy: Any, states: Any) -> Any:
        return jax.vmap(lambda state: policy(system.observe(state), None))(states)

    jax.block_until_ready(decide(policy, states))
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        jax.block_until_ready(decide(policy, states))
        times.append(time.perf_counter() - begin)
    return min(times)


def _policy_folder(path: Path) -> Path:
    return path if (path / "policy.json").exists() else path / "policy" / "best" / "seed-0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policies", nargs="*", metavar="POLICY")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--references", nargs="*", default=list(REFERENCES))
    parser.add_argument("--requests", type=Path, default=Path("../shared/data/requests/azure-llm-2023-conv.csv.gz"))
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--delay", action="store_true")
    parser.add_argument("--most", type=int, help="instances of a case at most")
    parser.add_argument("--decisions", action="store_true", help="time decisions of the policies instead")
    parser.add_argument("--out", type=Path, help="write all rows as JSON")
    options = parser.parse_args()
    if options.decisions:
        times = [
            {
                "policy": Path(name).name,
                "providers": providers,
                "batch": batch,
                "us": round(1e6 * decide_s(policy, providers, batch), 1),
            }
            for name in options.policies
            for policy in [load_policy(_policy_folder(Path(name))).policy]
            for providers, batch in ((20, 1), (80, 1), (20, 64))
        ]
        print(json.dumps(times, indent=1))
        return
    changes = {"quality_noise": options.noise, "quality_delay": options.delay}
    rows: list[dict[str, Any]] = []
    for case in options.cases:
        for earlier, episode in enumerate(("first", "second")):
            systems = instances(case, options.requests, changes, earlier)[: options.most]
            base: np.ndarray | None = None
            for name in (PROPHET, *(each for each in options.references if each != PROPHET), *options.policies):
                known = name in SYSTEM.reference_names
                policy = None if known else load_policy(_policy_folder(Path(name))).policy
                begin = time.perf_counter()
                reward, lost = figures(systems, policy, name if known else None)
                base = reward if base is None else base
                ratio = reward / base
                rows.append(
                    {
                        "case": case, "episode": episode, "policy": Path(name).name, "instances": len(systems),
                        "ratio": round(float(ratio.mean()), 4), "sem": round(float(ratio.std(ddof=1) / len(ratio) ** 0.5), 4),
                        "lowest": round(float(ratio.min()), 4), "reward": round(float(reward.mean()), 2),
                        "lost": round(float(lost.mean()), 5), "seconds": round(time.perf_counter() - begin, 1),
                    }
                )  # fmt: skip
                print(rows[-1], flush=True)
    if options.out is not None:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
    table = pd.DataFrame(rows)
    print(table.pivot_table(index=["case", "episode"], columns="policy", values="ratio", sort=False).to_string())


if __name__ == "__main__":
    main()

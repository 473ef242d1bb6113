"""How much faster a diffusion policy decides without its pruned neurons.

Run: python benchmarks/pruned_inference.py [--output FILE] [--repeats N]
The policy is EDMSAC's on dynamic contracts with the paper's M = 6; its weights do not matter for the time. "masked" is the pruned
network with zeros in it, "compact" the one without these neurons. Medians over calls of the compiled policy, which alternate
between all of them so that other work on the machine hits each alike.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from edgewise.common.files import replace_file
from edgewise.diffusion.denoiser import Denoiser
from edgewise.diffusion.pruning import compact, prune
from edgewise.diffusion.schedule import make_schedule
from edgewise.environments import registry
from edgewise.policies.squashed_diffusion import SquashedDiffusionPolicy

RATES = (0.0, 0.3, 0.5, 0.7)
BATCHES = (1, 512)
WIDTHS = ((128, 128), (256, 256), (512, 512))
STEPS = 6


def policies(hidden: tuple[int, ...]) -> dict[str, SquashedDiffusionPolicy]:
    """The pruned networks of each rate, masked and compact."""
    spaces = registry.make("dynamic-contract").spaces
    sizes = (spaces.observation.shape[0], spaces.action.shape[0])
    denoiser = Denoiser(*sizes, hidden, 16, jax.random.key(0))
    made = {}
    for rate in RATES:
        for name, network in (("masked", prune(denoiser, rate)), ("compact", compact(denoiser, rate))):
            policy = SquashedDiffusionPolicy(network, make_schedule("vp", STEPS), None, "clean", "forward")
            made[f"{rate:.0%} {name}"] = policy
    return made


def measure(hidden: tuple[int, ...], batch: int, repeats: int) -> dict[str, Any]:
    """Median time of each policy, ms, its speed-up over the whole network, and how much compact and masked outputs differ."""
    decide = eqx.filter_jit(lambda policy, observation: policy(observation, None))
    observation = jax.random.normal(
        jax.random.key(1), (batch, registry.make("dynamic-contract").spaces.observation.shape[0])
    )
    made = policies(hidden)
    outputs = {name: np.asarray(decide(policy, observation)) for name, policy in made.items()}
    taken: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(repeats):
        for name, policy in made.items():
            start = time.perf_counter()
            jax.block_until_ready(decide(policy, observation))
            taken[name].append(time.perf_counter() - start)
    milliseconds = {name: 1e3 * float(np.median(values)) for name, values in taken.items()}
    whole = milliseconds["0% masked"]
    differences = [
        float(np.abs(outputs[f"{rate:.0%} masked"] - outputs[f"{rate:.0%} compact"]).max()) for rate in RATES
    ]
    return {
        "hidden": list(hidden),
        "batch": batch,
        "ms": {name: round(value, 4) for name, value in milliseconds.items()},
        "speedup": {f"{rate:.0%}": round(whole / milliseconds[f"{rate:.0%} compact"], 2) for rate in RATES[1:]},
        "largest_difference": max(differences),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("results/dynamic-contract/pruned_inference.json"))
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    rows = [measure(hidden, batch, options.repeats) for hidden in WIDTHS for batch in BATCHES]
    for row in rows:
        print(row, flush=True)
    machine = f"{platform.machine()}, {jnp.zeros(()).device}"
    options.output.parent.mkdir(parents=True, exist_ok=True)
    replace_file(
        options.output,
        (json.dumps({"machine": machine, "denoising_steps": STEPS, "rows": rows}, indent=1) + "\n").encode(),
    )


if __name__ == "__main__":
    main()

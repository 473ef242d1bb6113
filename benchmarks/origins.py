"""What modules have of initial weights: their own, those of others, and those of the module that they were stolen from.

`python benchmarks/origins.py [--kinds KIND ...] [--out FILE]` builds a module for one edge server and lets another, with initial
weights of its own, go on from it on other data for some rounds, with noise or without. The trace is that of `origin.trace`; a
module is taken for a copy above `origin.TRACE`.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.common.files import replace_file
from edgewise.construction.ground import GROUNDS
from edgewise.construction.kind import MODULES, Weights
from edgewise.construction.origin import TRACE, trace
from edgewise.construction.verdicts import SAME, distance

SYNTHETIC = ("perception", "memory", "planning", "decision", "reflection", "action")
STOLEN, FURTHER = (12, 45), (0, 1, 5, 20)
"""Rounds of the author, and of the thief beyond them."""
NOISE = 0.05
"""By which a copy is changed before it is trained further, in deviations of each array."""
EXAMPLES, PROBE = 1024, 256


def trained(name: str, weights: Weights, place: int, rounds: int) -> Weights:
    """Weights after further rounds on the data of a place."""
    kind = MODULES.find(name)
    apps, language = GROUNDS.find(kind.ground).places[place]
    data = kind.draw_data(apps, EXAMPLES, 40 + place, language)
    for done in range(rounds):
        weights, _ = kind.train_round(weights, data, 100 * place + done)
    return weights


def row(name: str) -> dict[str, Any]:
    """A kind's traces."""
    kind, rng = MODULES.find(name), np.random.default_rng(0)
    author, thief = kind.initial(1), kind.initial(2)
    probe = kind.draw_data(("hidden-1",), PROBE, 7, "mixed")
    start = kind.respond(author, probe)
    found: dict[str, Any] = {"kind": name, "weights": sum(array.size for array in author.values()), "stolen": []}
    built, before = author, 0
    for rounds in STOLEN:
        built, before = trained(name, built, 0, rounds - before), rounds
        noisy = {k: (a + NOISE * a.std() * rng.standard_normal(a.shape)).astype(np.float32) for k, a in built.items()}
        honest, chance = trace(built, author, thief)
        found["chance"] = chance
        for further in FURTHER:
            rows = {
                "plain": trained(name, built, 1, further),
                "noisy": trained(name, noisy, 1, further),
            }
            found["stolen"].append(
                {
                    "rounds": rounds,
                    "further": further,
                    "own_of_the_author": trace(built, thief, author)[0],
                    "anothers_of_the_author": honest,
                    **{f"{how}_trace": trace(each, thief, author)[0] for how, each in rows.items()},
                    **{
                        f"{how}_distance": distance(kind.respond(each, probe), kind.respond(built, probe), start)
                        for how, each in rows.items()
                    },
                }
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=SYNTHETIC)
    parser.add_argument("--out", type=Path, default=Path("results/construction/origins.json"))
    options = parser.parse_args()
    began, rows = time.process_time(), []
    for name in options.kinds:
        rows.append(row(name))
        print(json.dumps(rows[-1]), flush=True)
        result = {
            "trace": TRACE,
            "same_below": SAME,
            "kinds": rows,
            "cpu_seconds": time.process_time() - began,
            "machine": platform.platform(),
        }
        replace_file(options.out, (json.dumps(result, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()

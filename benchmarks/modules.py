"""Modules of an agent: quality over rounds with the fit of (1), how near copies and honest modules are, and the agent by rounds.

`python benchmarks/modules.py [FOLDER]` writes curves.json, curves.png, curves.csv and modules.json to FOLDER; by default
`results/construction/modules`. The package's own curves, `edgewise/construction/data/curves.json`, are its curves.json.
"""

from __future__ import annotations

import itertools
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.common.files import replace_file
from edgewise.common.plain import to_plain
from edgewise.construction.acceptance import accept, draw_tasks
from edgewise.construction.agent import integrate
from edgewise.construction.artefact import Module, describe, pack, unpack
from edgewise.construction.curve import Curve, measure, plot_curves
from edgewise.construction.keys import make_key
from edgewise.construction.kind import MODULES, NAMES, Weights
from edgewise.construction.verdicts import SAME, distance
from edgewise.drawing.picture import Picture, save_picture
from edgewise.systems.dynamic_contract.model import Hardware

SERVERS = (
    (("mail", "maps", "shop"), "en"),
    (("post", "karten", "bahn"), "de"),
    (("courrier", "plans", "metro"), "fr"),
    (("correo", "mapas", "tienda"), "es"),
    (("posta", "mappe", "treno"), "it"),
)
"""Apps and language of the servers whose modules are compared and make agents."""
HONEST = (*SERVERS, *(((f"app-{n}", f"tool-{n}", f"place-{n}"), SERVERS[n % len(SERVERS)][1]) for n in range(15)))
"""Those of the honest runs that a curve is of: from few of them its deviation is hardly known."""
AT = (0, 5, 10, 20, 30, 60, 100)
"""Rounds after which the agent is tested."""
EXAMPLES, TASKS = 1024, 200
PROMISED, FRESH, MEASURED_ON = (6, 20, 40, 60), 20, 512
"""Promised rounds, fresh servers and hidden examples with which the verdict on quality is tried."""
NOISE = (0.001, 0.01, 0.05)
"""By which copies are changed, in deviations of each array."""


def built(name: str) -> list[dict[int, Weights]]:
    """Weights of a module of each server after some rounds."""
    kind = MODULES.find(name)
    found = []
    for number, (apps, language) in enumerate(SERVERS):
        data, weights, kept = kind.draw_data(apps, EXAMPLES, 50 + number, language), kind.initial(0), {}
        for done in range(max(AT) + 1):
            if done in AT:
                kept[done] = weights
            weights, _ = kind.train_round(weights, data, done)
        found.append(kept)
    return found


def distances(name: str, servers: list[dict[int, Weights]]) -> list[dict[str, Any]]:
    """How near honest modules are to each other, and copies with noise, or with a round of training, to their original."""
    kind, rng = MODULES.find(name), np.random.default_rng(0)
    probe = kind.draw_data(("probe",), 256, 7, "mixed")
    other = kind.draw_data(*(SERVERS[1][0], EXAMPLES, 51, SERVERS[1][1]))
    start = kind.respond(kind.initial(0), probe)
    rows = []
    for rounds in AT[1:]:
        outputs = [kind.respond(kept[rounds], probe) for kept in servers]
        original = servers[0][rounds]
        noisy = [
            {k: (a + s * a.std() * rng.standard_normal(a.shape)).astype(np.float32) for k, a in original.items()}
            for s in NOISE
        ]
        further, _ = kind.train_round(original, other, 99)
        rows.append(
            {
                "rounds": rounds,
                "honest": min(distance(a, b, start) for a, b in itertools.combinations(outputs, 2)),
                "copies": [distance(kind.respond(each, probe), outputs[0], start) for each in noisy],
                "copy_after_a_round": distance(kind.respond(further, probe), outputs[0], start),
            }
        )
    return rows


def agents(modules: dict[str, list[dict[int, Weights]]]) -> list[dict[str, Any]]:
    """Success of agents whose modules have the same rounds, each from another server; and without one of them."""
    key, tasks = make_key(), draw_tasks(("hidden-1", "hidden-2", "hidden-3"), TASKS, 5)

    def module(name: str, place: int, rounds: int) -> Module:
        weights = modules[name][place % len(SERVERS)][rounds]
        return unpack(pack(describe(name, MODULES.find(name), EXAMPLES), weights, key))

    rows = []
    for rounds in AT:
        parts = {name: module(name, place, rounds) for place, name in enumerate(modules)}
        row: dict[str, Any] = {"rounds": rounds, "success": accept(integrate(parts.values(), key), tasks)}
        if rounds == max(AT):
            row["without"] = {
                name: accept(integrate([each for other, each in parts.items() if other != name], key), tasks)
                for name in parts
            }
        rows.append(row)
    return rows


def refused(name: str, curve: Curve) -> list[dict[str, Any]]:
    """Parts of fresh honest modules, and of those with half of the rounds, whose quality the verdict does not take."""
    kind = MODULES.find(name)
    hidden = kind.draw_data(("hidden-1", "hidden-2", "hidden-3", "hidden-4"), MEASURED_ON, 1_000_000, "mixed")
    found: dict[int, list[tuple[bool, bool]]] = {rounds: [] for rounds in PROMISED}
    for number in range(FRESH):
        apps, language = (f"app-{number}", f"other-{number}", f"third-{number}"), SERVERS[number % len(SERVERS)][1]
        data, weights, quality = kind.draw_data(apps, EXAMPLES, 900 + number, language), kind.initial(900 + number), {}
        for done in range(max(PROMISED) + 1):
            if done in PROMISED or 2 * done in PROMISED:
                quality[done] = kind.evaluate(weights, hidden)
            weights, _ = kind.train_round(weights, data, 77 * number + done)
        for rounds in PROMISED:
            least = curve.least(rounds, MEASURED_ON)
            found[rounds].append((quality[rounds] < least, quality[rounds // 2] < least))
    return [
        {"rounds": rounds, "honest": float(np.mean([h for h, _ in rows])), "half": float(np.mean([x for _, x in rows]))}
        for rounds, rows in found.items()
    ]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    curves: dict[str, Curve] = {name: measure(name, HONEST, apart=True) for name in NAMES}
    plain = {name: to_plain(curve) for name, curve in curves.items()}
    replace_file(folder / "curves.json", (json.dumps(plain, indent=1) + "\n").encode())
    figure, data = plot_curves(curves, Hardware().quality_rate)
    save_picture(Picture("curves", "Quality over rounds", figure, data), folder)
    modules = {name: built(name) for name in NAMES}
    result = {
        "fits": {
            name: {"rate": curve.rate, "low": curve.low, "high": curve.high, "r2": curve.r2}
            for name, curve in curves.items()
        },
        "bytes": {name: sum(a.nbytes for a in MODULES.find(name).initial(0).values()) for name in NAMES},
        "same_below": SAME,
        "distances": {name: distances(name, servers) for name, servers in modules.items()},
        "agents": agents(modules),
        "refused": {name: refused(name, curve) for name, curve in curves.items()},
        "tasks": TASKS,
        "cpu_seconds": time.process_time() - began,
        "machine": platform.platform(),
    }
    replace_file(folder / "modules.json", (json.dumps(result, indent=1) + "\n").encode())
    print(json.dumps({"fits": result["fits"], "agents": result["agents"]}, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("results/construction/modules"))

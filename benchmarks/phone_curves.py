"""Quality over rounds of the phone's kinds, with the fit of (1), and what the verdict on quality makes of fresh servers.

`python benchmarks/phone_curves.py [FOLDER] [--examples N] [--kinds KIND ...]` writes phone-curves.json, .csv, .png and
phone-modules.json to FOLDER, by default `results/construction/modules`. Every run is that of another edge server: apps and
language of one of the demonstration's places, data and initial weights of its own. Rows are kept in FOLDER/phone-rows.jsonl as
they are measured, and are not measured again; take another folder for another state of the package. Servers come in turn, so
that the kinds of one share the moments that are drawn for it; the last `FRESH` of them are not fitted, but judged by the fit.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgewise.agent.modules.learned.ground import PLACES
from edgewise.common.files import make_folder, replace_file
from edgewise.common.plain import to_plain
from edgewise.construction.curve import EXAMPLES, Curve, fit, plot_curves, run
from edgewise.construction.judging import HIDDEN
from edgewise.construction.kind import MODULES
from edgewise.drawing.picture import Picture, save_picture
from edgewise.systems.dynamic_contract.model import Hardware

KINDS = (
    "phone-perception", "phone-memory", "phone-planning", "phone-decision", "phone-action", "phone-reflection",
)  # fmt: skip
ROUNDS = (0, 1, 2, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48)
"""Up to a little more than the menus of typical instances ask for."""
SERVERS, FRESH = 5, 2
"""Servers whose runs are fitted, and further ones that are judged by the fit."""
MEASURED_ON = 512
"""Hidden examples."""
JUDGED_ON = 512
"""Hidden examples of the verdict, see `Terms.examples`."""
PROMISED = (12, 24, 40, 48)


def measured(name: str, number: int, examples: int) -> dict[str, Any]:
    """One honest run."""
    kind, (apps, language) = MODULES.find(name), PLACES[number % len(PLACES)]
    began = time.process_time()
    hidden = kind.draw_data(HIDDEN, MEASURED_ON, 1_000_000, "mixed")
    data = kind.draw_data(apps, examples, 7000 + number, language)
    drawn = time.process_time() - began
    qualities = run(kind, kind.initial(7000 + number), data, hidden, 7000 + number, ROUNDS)
    spent = time.process_time() - began
    return {
        "kind": name, "server": number, "examples": examples, "qualities": qualities, "cpu_s": spent, "drawn_cpu_s": drawn,
    }  # fmt: skip


def judged(curve: Curve, fresh: list[list[float]]) -> list[dict[str, Any]]:
    """How many of fresh modules, and of those with half of the promised rounds, have too little quality for the verdict."""
    rows = []
    for rounds in PROMISED:
        least = curve.least(rounds, JUDGED_ON)
        honest = [float(np.interp(rounds, ROUNDS, each)) < least for each in fresh]
        half = [float(np.interp(rounds / 2, ROUNDS, each)) < least for each in fresh]
        rows.append({"rounds": rounds, "least": least, "honest": float(np.mean(honest)), "half": float(np.mean(half))})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("results/construction/modules"))
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    options = parser.parse_args()
    make_folder(options.folder)
    kept = options.folder / "phone-rows.jsonl"
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    done = {(row["kind"], row["server"], row["examples"]) for row in rows}
    for number in range(SERVERS + FRESH):
        for name in options.kinds:
            if (name, number, options.examples) not in done:
                rows.append(measured(name, number, options.examples))
                with kept.open("a") as stream:
                    stream.write(json.dumps(rows[-1]) + "\n")
                print(name, number, [round(each, 3) for each in rows[-1]["qualities"]], flush=True)
    write(options.folder, options.examples, options.kinds, rows)


def write(folder: Path, examples: int, kinds: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """Fits, figure and what the verdict makes of fresh servers."""
    runs = {
        name: [row["qualities"] for row in rows if (row["kind"], row["examples"]) == (name, examples)] for name in kinds
    }
    curves = {name: fit(name, ROUNDS, each[:SERVERS], examples) for name, each in runs.items()}
    plain = {name: to_plain(curve) for name, curve in curves.items()}
    replace_file(folder / "phone-curves.json", (json.dumps(plain, indent=1) + "\n").encode())
    figure, data = plot_curves(curves, Hardware().quality_rate)
    save_picture(Picture("phone-curves", "Quality over rounds on a phone", figure, data), folder)
    result = {
        "fits": {
            name: {"rate": curve.rate, "low": curve.low, "high": curve.high, "r2": curve.r2}
            for name, curve in curves.items()
        },
        "examples": examples,
        "bytes": {name: sum(a.nbytes for a in MODULES.find(name).initial(0).values()) for name in kinds},
        "judged": {name: judged(curve, runs[name][SERVERS:]) for name, curve in curves.items()},
        "cpu_seconds": {name: sum(row["cpu_s"] for row in rows if row["kind"] == name) for name in kinds},
        "commit": subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip(),
        "machine": platform.platform(),
    }
    replace_file(folder / "phone-modules.json", (json.dumps(result, indent=1) + "\n").encode())
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

"""Your own city: from a file of recorded positions to a policy that is evaluated on a later hour.

    python examples/own_city.py FOLDER

Here the recording is made up: cars that circle on two ring roads, one row per car and 30 s, in metres. Replace `record` by
your own file (CSV with time, vehicle, x, y, or SUMO's floating car data) and the steps below stay the same. Budgets are tiny;
leave `--steps` out for a real run.
"""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

from edgewise.cli.main import main


def record(path: Path, cars: int = 24, slots: int = 120) -> None:
    """Write a recording: columns time (s), vehicle, x (m), y (m)."""
    lines = ["time,vehicle,x,y"]
    for slot in range(slots):
        for car in range(cars):
            radius, metres_per_slot = (400, 150) if car % 2 else (900, 300)
            angle = 2 * math.pi * car / cars + metres_per_slot * slot / radius
            lines.append(f"{30 * slot},car{car},{radius * math.cos(angle):.1f},{radius * math.sin(angle):.1f}")
    path.write_text("\n".join(lines) + "\n")


def step(*words: str) -> None:
    """One command, as typed after `edgewise`."""
    print("\n$ edgewise", " ".join(words), flush=True)
    code = main(words)
    if code:
        sys.exit(code)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "own-city")
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    record(Path("ring.csv"))
    # Slots, places that are never empty, road-side units by k-means, and a picture: ring.npz, ring.png.
    step("mobility", "import", "ring.csv", "--vehicles", "6", "--rsus", "3", "--output", "ring.npz")
    # The first part of the recording is for training, the later one for evaluation.
    step(
        *("train", "agent-migration", "--mobility", "ring.npz", "--vehicles", "6", "--rsus", "3", "--algorithm", "sac"),
        *("--slots", "20", "--steps", "2000", "--evaluations", "1", "--evaluation-episodes", "4", "--hidden", "32"),
        *("--warmup-steps", "200", "--replay-capacity", "5000", "--folder", "run", "--no-report"),
    )
    step("evaluate", "run", "--episodes", "4", "--against", "random", "nearest-next", "look-ahead")

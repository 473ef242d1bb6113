"""Kill a training run with SIGKILL at random moments, resume it, and compare with an undisturbed run bit for bit.

Compiled programs are cached on disk between the processes, so that the moments fall into the run and not into compilation.

Run: python benchmarks/kill_and_resume.py [--kills 10] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

OPTIONS = ["--steps", "40000", "--evaluations", "20", "--checkpoint-every", "1", "--hidden", "64", "64", "--no-report"]


def start(folder: Path, cache: Path) -> subprocess.Popen[bytes]:
    """Start the run in a process of its own, or resume it."""
    words = ["--resume", str(folder), "--no-report"] if (folder / "config.yaml").exists() else [
        "agent-migration", "--folder", str(folder), *OPTIONS
    ]  # fmt: skip
    command = [sys.executable, "-c", "import sys; from edgewise.cli import main; sys.exit(main())", "train", *words]
    environment = {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def content(folder: Path) -> dict[str, bytes]:
    """Weights of every saved policy and the metrics without wall time."""
    files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.glob("policy/**/weights.safetensors"))}
    metrics = pd.read_csv(folder / "metrics.csv").drop(columns="wall_s")
    return files | {
        "metrics.csv": metrics.to_csv(index=False).encode(),
        "test.json": (folder / "test.json").read_bytes(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        cache, calm, stormy = (Path(scratch) / name for name in ("cache", "calm", "stormy"))
        if start(Path(scratch) / "first", cache).wait() != 0:
            raise SystemExit("the first run failed")
        begin = time.perf_counter()
        if start(calm, cache).wait() != 0 or content(calm) != content(Path(scratch) / "first"):
            raise SystemExit("two undisturbed runs differ")
        took = time.perf_counter() - begin
        print(f"undisturbed run: {took:.1f} s", flush=True)
        moments, kills = [], 0
        while kills < options.kills:
            process = start(stormy, cache)
            moment = draw.uniform(0.2, 0.95) * took
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                saved = sorted(int(p.name) for p in (stormy / "checkpoints").glob("*") if p.name.isdigit())
                moments.append({"after_s": round(moment, 2), "checkpoints": saved})
                print(f"kill {kills} after {moment:.1f} s, checkpoints on disk {saved}", flush=True)
                continue
            if process.returncode != 0:
                raise SystemExit(f"a resumed run failed with exit code {process.returncode}")
            if content(stormy) != content(calm):
                raise SystemExit("a resumed run differs from the undisturbed one")
            print("finished before the kill and equal; starting again", flush=True)
            subprocess.run(["rm", "-rf", str(stormy)], check=True)
        if start(stormy, cache).wait() != 0:
            raise SystemExit("the last resumed run failed")
        equal = content(stormy) == content(calm)
    print(f"{kills} kills; result {'equals' if equal else 'DIFFERS FROM'} the undisturbed run bit for bit")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"kills": moments, "equal": equal}, indent=2) + "\n")
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()

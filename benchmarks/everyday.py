"""What everyday commands cost, with no compiled programs kept from before and with those of the run before, in pairs.

CPU time (user and system, of the command and its threads) is the figure to trust on a machine that does other work too.

Run: python benchmarks/everyday.py [--pairs N] [--only NAME ...] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

EDGEWISE = [sys.executable, "-c", "import sys; from edgewise.cli import main; sys.exit(main())"]
SERVERS = """\
{servers: 12, alpha: 200, beta: 1, unit_cost: 0.75, power_dbm: 27, rate_mbps: 2, integration_energy: 22,
 theta1: [17, 22], theta2: [16, 24], p1: [0.4, 0.6], p2: [[0.7, 0.3], [0.25, 0.75]]}
"""
MARKET = """\
{satisfaction: [30, 25, 35], sensitivity: [30, 30, 30], social: [[0, 5, 5], [5, 0, 5], [5, 5, 0]], cost: [0.3, 0.1],
 price_cap: 1.5, payment_scale: 15, leader_scale: 100}
"""
FIRST_STEP = "learning"
"""The word of the progress lines when a run's program is compiled and begins."""


@dataclass(frozen=True)
class Everyday:
    """A command to be measured.

    Attributes:
        words: as typed after `edgewise`.
        code: with which it ends.
        until: the command is stopped at the first line on standard error that ends in this word; None lets it end.
    """

    words: tuple[str, ...]
    code: int = 0
    until: str | None = None


TRAIN = ("train", "agent-migration", "--steps", "20000", "--evaluations", "5", "--no-report")
"""A run with the default sizes of system and learner."""
COMMANDS = {
    "help": Everyday(("--help",)),
    "mistyped": Everyday(("trian",), 2),
    "list": Everyday(("list",)),
    "train-help": Everyday(("train", "--help")),
    "train-system-help": Everyday(("train", "agent-migration", "--help")),
    "solve-contract": Everyday(("solve", "dynamic-contract", "--instance", "servers.yaml")),
    "solve-market": Everyday(("solve", "twin-trading", "--instance", "market.yaml")),
    "train-to-first-step": Everyday((*TRAIN, "--folder", "begun"), until=FIRST_STEP),
    "evaluate": Everyday(("evaluate", "run")),
    "report": Everyday(("report", "run")),
}
NEED_A_RUN = {"evaluate", "report"}


def environment(cache: Path) -> dict[str, str]:
    """Of a command whose programs are kept in `cache`, whatever this process was told."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "EDGEWISE_"))}
    return own | {"EDGEWISE_CACHE": str(cache), "JAX_PLATFORMS": "cpu"}


def measure(command: Everyday, place: Path, cache: Path) -> dict[str, float]:
    """CPU and wall seconds of a command."""
    with (place / "log").open("w") as log:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [*EDGEWISE, *command.words],
            cwd=place,
            env=environment(cache),
            stdout=log,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if command.until is not None and line.rstrip().endswith(command.until):
                process.kill()
                break
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    if command.until is None and code != command.code:
        raise SystemExit(f"{command.words} ended with {code}: {''.join(said)}")
    return {"cpu_s": round(used.ru_utime + used.ru_stime, 2), "wall_s": round(wall, 2)}


def pair(name: str, place: Path) -> dict[str, dict[str, float]]:
    """A command with an empty folder of programs, then again."""
    times = {}
    cache = place / "programs"
    shutil.rmtree(cache, ignore_errors=True)
    for kind in ("first", "second"):
        shutil.rmtree(place / "begun", ignore_errors=True)
        shutil.rmtree(place / "run" / "report", ignore_errors=True)
        times[kind] = measure(COMMANDS[name], place, cache)
    return times


def facts(pairs: int) -> dict[str, Any]:
    """Where and among what a command was measured; the load is the mean number of processes that wanted a core."""
    return {
        "pairs": pairs,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "jax": metadata.version("jax"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=1, help="how often each command is measured; medians are told")
    parser.add_argument("--only", nargs="*", choices=COMMANDS, default=list(COMMANDS), metavar="NAME")
    parser.add_argument("--json", type=Path, help="file to write; commands in it that are not measured now stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "servers.yaml").write_text(SERVERS)
        (place / "market.yaml").write_text(MARKET)
        if NEED_A_RUN & set(options.only):
            measure(Everyday((*TRAIN, "--folder", "run")), place, place / "programs")
        results: dict[str, Any] = {}
        for name in options.only:
            pairs = [pair(name, place) for _ in range(options.pairs)]
            results[name] = {
                kind: {what: statistics.median(each[kind][what] for each in pairs) for what in ("cpu_s", "wall_s")}
                for kind in ("first", "second")
            } | facts(options.pairs)
            print(name, json.dumps(results[name]), flush=True)
    if options.json:
        kept = json.loads(options.json.read_text()) if options.json.exists() else {}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(kept | results, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""The default training run: wall time, compile time, peak memory, and test latency.

Run: python benchmarks/training.py [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import jax

from edgewise.algorithms.cgdm import CGDMConfig
from edgewise.systems.agent_migration.configuration import AgentMigrationConfig
from edgewise.training.off_policy import OffPolicyConfig
from edgewise.training.run import train
from edgewise.training.run_folder import RunConfig

COMPILE_EVENTS = ("/jax/core/compile/backend_compile_duration", "/jax/core/compile/jaxpr_to_mlir_module_duration",
                  "/jax/core/compile/jaxpr_trace_duration")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    compile_seconds = 0.0

    def count(event: str, duration: float, **_: object) -> None:
        nonlocal compile_seconds
        compile_seconds += duration if event in COMPILE_EVENTS else 0.0

    jax.monitoring.register_event_duration_secs_listener(count)
    run = RunConfig("agent-migration", AgentMigrationConfig(), "cgdm", CGDMConfig(), OffPolicyConfig())
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        test = train(Path(folder) / "run", run, lambda done, text: print(f"{done:>9,} steps  {text}", flush=True))
        wall = time.perf_counter() - begin
    result = {
        "wall_s": wall,
        "compile_s": compile_seconds,
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "environment_steps": run.training.steps_done(run.training.evaluations),
        "updates": run.training.total_updates,
        "test_latency_s_per_slot": test["latency"]["mean"][0],
    }
    for name, value in result.items():
        print(f"{name}: {value:,.2f}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

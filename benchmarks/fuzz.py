"""Requests that nobody would send: every operation of the server's schema with drawn parameters and bodies, valid and not.

Run: python benchmarks/fuzz.py [--requests N] [--out FILE]   (needs schemathesis)

Counts the statuses of answers; one of 500 or above, and an answer that takes longer than the limit, is a fault and is shown.
The server is a process of its own. Its memory is told at a tenth of the requests, at half of them, and at their end.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from serving_load import Running

LONGEST_S = 10.0
"""An answer that takes longer is a fault, s."""
HANGS_S = 300.0
"""An answer that takes longer ends the run, s."""
MODEL = "service-selection"
"""Of the server, that half of the requests about a model name; none of them unloads it."""
OPEN = "fuzzed"
"""Name of the sessions that paths are about, so that requests reach what lies behind them."""


PARTS = (0.1, 0.5, 1.0)
"""Of the requests, after which memory is told."""


class Fuzz:
    """Sends drawn requests and counts what comes back."""

    def __init__(self, server: Running, total: int) -> None:
        self.server, self.total = server, total
        self.client = requests.Session()
        self.address = f"http://127.0.0.1:{server.port}"
        self.statuses: Counter[int] = Counter()
        self.faults: list[dict[str, Any]] = []
        self.slowest_s = 0.0
        self.memory_mib = {"ready": server.memory_mib()}

    def send(self, case: Any) -> None:
        """One request."""
        places = case.path_parameters or {}
        if "session" in places:
            places["session"] = OPEN
        if "name" in places and self.sent % 2 and not case.path.endswith("unload"):
            places["name"] = MODEL
        words = case.as_transport_kwargs(base_url=self.address)
        began = time.perf_counter()
        try:
            answer = self.client.request(**words, timeout=HANGS_S, allow_redirects=False)
        except (
            ValueError,
            requests.exceptions.InvalidHeader,
        ):  # what no client could put on the wire, such as a header with a line break
            return
        taken = time.perf_counter() - began
        self.statuses[answer.status_code] += 1
        self.slowest_s = max(self.slowest_s, taken)
        if answer.status_code >= 500 or taken > LONGEST_S:
            shown = {name: str(value)[:500] for name, value in words.items()}
            self.faults.append(
                {"request": shown, "status": answer.status_code, "seconds": taken, "said": answer.text[:500]}
            )
        if self.sent in [int(self.total * part) for part in PARTS]:
            self.memory_mib[str(self.sent)] = self.server.memory_mib()

    @property
    def sent(self) -> int:
        """Requests so far."""
        return self.statuses.total()


def fuzz(total: int) -> dict[str, Any]:
    """Send so many requests to a server of the policies that come with the package."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["--database", f"sqlite:///{folder / 'store.sqlite'}", "--deadline-ms", "5000"]
        with Running(words, folder) as server:
            run = Fuzz(server, total)
            schema = schemathesis.openapi.from_url(f"{run.address}/openapi.json")
            operations = [each.ok() for each in schema.get_all_operations()]
            each, rounds = max(1, total // (10 * len(operations))), 0
            while run.sent < total:
                for operation in operations:
                    open_sessions(run)
                    _draw(run, operation, each, rounds)
                rounds += 1
    return {
        "command": f"python benchmarks/fuzz.py --requests {total}",
        "requests": run.sent,
        "operations": len(operations),
        "statuses": {str(status): count for status, count in sorted(run.statuses.items())},
        "faults": len(run.faults),
        "slowest_s": run.slowest_s,
        "memory_mib_by_requests": run.memory_mib,
        "shown": run.faults[:5],
    }


def open_sessions(run: Fuzz) -> None:
    """Sessions of both systems under the name that paths are about; one that is open stays."""
    units = [{"id": f"u{i}", "position_m": [500.0 * i, 0.0], "link_rate_mbps": 200, "cpu_mhz": 200} for i in range(2)]
    providers = [{"id": f"p{i}", "capacity_steps": 700} for i in range(5)]
    for system, body in (("agent-migration", {"units": units}), ("service-selection", {"providers": providers})):
        run.client.post(f"{run.address}/v1/{system}/sessions", params={"session": OPEN}, json=body, timeout=HANGS_S)


def _draw(run: Fuzz, operation: Any, count: int, seed: int) -> None:
    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
        try:
            strategy = operation.as_strategy(generation_mode=mode)
        except Exception:  # an operation without parameters has nothing that could be wrong
            continue

        @seeded(seed)
        @settings(max_examples=count, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(strategy)
        def send(case: Any) -> None:
            run.send(case)

        try:
            send()
        except Exception as error:
            if "Unsatisfiable" not in type(error).__name__ and "Skip" not in type(error).__name__:
                raise


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    given_ = parser.parse_args()
    found = fuzz(given_.requests)
    text = json.dumps(found, indent=2)
    print(text)
    if given_.out is not None:
        given_.out.write_text(text + "\n")
    if found["faults"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

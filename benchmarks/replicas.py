"""Replicas of the server on Ray Serve: requests a second with one and with two, and one that is killed under load.

Run: python benchmarks/replicas.py --database URL [--sessions N] [--slots N] [--clients N] [--out FILE]

The database is one of PostgreSQL, as in postgresql+psycopg://postgres@127.0.0.1:5432/postgres. Clients drive sessions of their
own, slot by slot. While the last load runs a replica is ended by SIGKILL; in the end every session must have answered all of
its slots, with the answers of a session that nobody has disturbed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from edgewise.common.client import Client
from edgewise.serving.replicas import start, stop
from edgewise.serving.settings import Settings

PORT = 8124
ADDRESS = f"http://127.0.0.1:{PORT}"
SESSIONS = "/v1/agent-migration/sessions"
UNITS = [
    {"id": name, "position_m": place, "link_rate_mbps": 200, "cpu_mhz": 200}
    for name, place in (("a", [500, 500]), ("b", [1500, 500]), ("c", [500, 1500]), ("d", [1500, 1500]))
]
VEHICLES = 8


def slot(number: int) -> dict[str, Any]:
    """The request of a slot: vehicles that drive eastward, and what the last one has brought."""
    vehicles = [
        {"id": f"v{i}", "position_m": [100.0 + (240 * i + 90 * number) % 1800, 200.0 * i + 100]}
        for i in range(VEHICLES)
    ]
    if number == 0:
        return {"vehicles": vehicles}
    packets = {"received": 140, "not_received": 3, "forwarded": 140, "not_forwarded": 3}
    latency = {f"v{i}": 30.0 + (7 * i + number) % 11 for i in range(VEHICLES)}
    return {"vehicles": vehicles, "report": {"latency_s": latency, "packets": {u["id"]: packets for u in UNITS}}}


def session(slots: int) -> list[Any]:
    """The answers of a session."""
    with Client(ADDRESS, patience_s=120) as client:
        name = client.post(SESSIONS, {"units": UNITS})["session"]
        return [client.post(f"{SESSIONS}/{name}/slots", slot(number))["answer"] for number in range(slots)]


def load(sessions: int, slots: int, clients: int) -> tuple[float, list[list[Any]]]:
    """Requests a second, and all answers."""
    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda _: session(slots), range(sessions)))
    return sessions * slots / (time.perf_counter() - began), answers


def kill_one() -> int:
    """End a replica by SIGKILL; its process."""
    found = subprocess.run(["pgrep", "-f", "ray::ServeReplica:edgewise"], capture_output=True, text=True, check=True)
    process = int(found.stdout.split()[0])
    os.kill(process, signal.SIGKILL)
    return process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", required=True)
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--slots", type=int, default=25)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    amount = given.sessions, given.slots, given.clients
    rates: dict[str, float] = {}
    for replicas in (1, 2):
        start(Settings(("agent-migration",), port=PORT, database=given.database, deadline_ms=60_000, replicas=replicas))
        try:
            _, [usual] = load(1, given.slots, 1)
            load(4, 3, 4)
            rates[f"requests_per_s_{replicas}"], answers = load(*amount)
            if any(each != usual for each in answers):
                raise SystemExit("answers differ between sessions that were told the same")
            if replicas == 2:
                with ThreadPoolExecutor(1) as pool:
                    loaded = pool.submit(load, *amount)
                    time.sleep(1.0)
                    kill_one()
                    rates["requests_per_s_killed"], answers = loaded.result()
        finally:
            stop()
    wrong = sum(each != usual for each in answers)
    found = {
        "command": f"python benchmarks/replicas.py --sessions {amount[0]} --slots {amount[1]} --clients {amount[2]}",
        "cores": os.cpu_count(),
        "vehicles": VEHICLES,
        "units": len(UNITS),
        **rates,
        "gain_of_two": rates["requests_per_s_2"] / rates["requests_per_s_1"],
        "answers_after_kill": sum(map(len, answers)),
        "sessions_that_differ_after_kill": wrong,
    }
    text = json.dumps(found, indent=2)
    print(text)
    if given.out is not None:
        given.out.write_text(text + "\n")
    if wrong:
        raise SystemExit("a session has lost something")


if __name__ == "__main__":
    main()

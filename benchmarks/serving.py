"""The policy server: latency, batching, start, memory, hot swap, kills, and clients that ask for too much.

Run: python benchmarks/serving.py [PART ...] [--seconds N] [--kills N] [--minutes N] [--rate N] [--out FOLDER]

Parts: latency, batching, start, swap, kills, abuse, long; without any, all but long. Each writes FOLDER/PART.json. Ratios are of
one run; the load generator runs on the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from serving_load import SESSIONS, Running, as_fast_as_can_be, at_rate, carried_out, open_sessions, places, slot

SHIPPED = Path(__file__).parents[1] / "src/edgewise/systems/agent_migration/data/policies/general"
RATE = 200.0
"""Requests per second."""


def server(folder: Path, *more: str, cache: Path | None = None, model: str = "agent-migration") -> Running:
    """A server with a database of its own."""
    database = f"sqlite:///{folder / 'store.sqlite'}"
    return Running([model, "--database", database, "--deadline-ms", "60000", *more], folder, cache)


def bare_call_ms(vehicles: int, units: int) -> float:
    """Median time of `policy.act` in this process, ms."""
    import jax

    from edgewise.policies.shipped import find_policy
    from edgewise.systems.agent_migration.features import space

    policy = find_policy("agent-migration", "general")
    seen = policy.described.array(jax.device_get(space(vehicles, units).sample(jax.random.key(0))))
    policy.act(seen)
    times = []
    for _ in range(200):
        began = time.perf_counter()
        policy.act(seen)
        times.append(time.perf_counter() - began)
    return float(1000 * np.median(times))


def latency(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """One decision over HTTP on 8 vehicles and 4 units, 200 a second."""

    async def measured(port: int) -> dict[str, Any]:
        sessions = await open_sessions(port, 32, 8, 4, "a")
        await at_rate(sessions, RATE, 3.0)
        alone = await as_fast_as_can_be(sessions[:1], given.seconds / 4)
        return {"rate": RATE, "alone": alone.figures(), **(await at_rate(sessions, RATE, given.seconds)).figures()}

    with server(folder) as running:
        told = carried_out(measured(running.port))
        memory = running.memory_mib()
    bare = bare_call_ms(8, 4)
    return {**told, "bare_call_ms": bare, "overhead_ms": told["median_ms"] - bare, "memory_mib": memory}


def batching(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """64 sessions of 32 vehicles and 8 units, with and without batching."""

    async def measured(port: int) -> dict[str, Any]:
        sessions = await open_sessions(port, 64, 32, 8, "b")
        await as_fast_as_can_be(sessions, 20.0)
        return (await as_fast_as_can_be(sessions, given.seconds)).figures()

    told = {}
    for name, most in (("together", "64"), ("each_by_itself", "1")):
        place = folder / name
        place.mkdir()
        with server(place, "--together", most) as running:
            told[name] = carried_out(measured(running.port))
    rates = [told[name]["requests_per_s"] for name in ("together", "each_by_itself")]
    return {**told, "gain": rates[0] / rates[1]}


def start(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """From the command to readiness with an empty and a filled cache of programs, and memory."""
    told: dict[str, Any] = {}
    for name in ("cold", "warm"):
        running = server(folder, cache=folder / "cache")
        told[f"{name}_s"] = running.start()
        told["memory_mib"] = running.memory_mib()
        running.kill()
    return told


def other_policy(folder: Path) -> None:
    """A policy like the shipped one, with slightly other weights."""
    import dataclasses

    import jax

    from edgewise.policies.artefact import load_policy, save_policy

    artefact = load_policy(SHIPPED)
    moved = jax.tree.map(lambda leaf: leaf * 1.01, artefact.policy)
    save_policy(folder, dataclasses.replace(artefact, policy=moved))


def swap(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Policies are swapped, and swapped back, while 200 requests a second come in."""
    live, other = folder / "live", folder / "other"
    shutil.copytree(SHIPPED, live)
    other_policy(other)
    with server(folder, model=f"live={live}") as running:
        swaps: list[float] = []

        def keep_swapping(until: float) -> None:
            sources = [other, SHIPPED]
            while time.perf_counter() < until:
                time.sleep(1.0)
                for name in ("weights.safetensors", "policy.json"):
                    shutil.copy(sources[len(swaps) % 2] / name, live / name)
                began = time.perf_counter()
                running.post("/v2/repository/models/live/load")
                swaps.append(time.perf_counter() - began)

        async def measured() -> Any:
            sessions = await open_sessions(running.port, 32, 8, 4, "s")
            thread = threading.Thread(target=keep_swapping, args=(time.perf_counter() + given.seconds,))
            thread.start()
            load = await at_rate(sessions, RATE, given.seconds + 2)
            thread.join()
            return load

        load = carried_out(measured())
    return {
        **load.figures(),
        "swaps": len(swaps),
        "swap_s": float(np.median(swaps)),
        "answers_by_policy": load.policies,
    }


def kills(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """The server is ended by SIGKILL again and again under load; sessions end as if nobody had disturbed them."""
    from edgewise.common.client import Client

    slots = 25 * given.kills
    running = server(folder)
    running.start()
    told: dict[str, list[Any]] = {f"k{i}": [] for i in range(4)}
    begun = threading.Event()

    def drive(name: str, answers: list[Any], pause: float) -> None:
        with Client(f"http://127.0.0.1:{running.port}", patience_s=300) as client:
            client.post(SESSIONS, {"units": places(4)}, session=name)
            for number in range(slots):
                answers.append(client.post(f"{SESSIONS}/{name}/slots", slot(number, 8, 4)))
                begun.set()
                time.sleep(pause)

    threads = [threading.Thread(target=drive, args=(name, answers, 0.02)) for name, answers in told.items()]
    for thread in threads:
        thread.start()
    chance, starts = random.Random(0), []
    begun.wait()
    for _ in range(given.kills):
        time.sleep(chance.uniform(0.3, 1.0))
        running.kill()
        starts.append(running.start())
    for thread in threads:
        thread.join()
    quiet: list[Any] = []
    drive("quiet", quiet, 0.0)
    running.kill()
    return {**compared(folder, told, quiet), "kills": given.kills, "restart_s": float(np.median(starts))}


def compared(folder: Path, told: dict[str, list[Any]], quiet: list[Any]) -> dict[str, Any]:
    """What was lost, against a session that nobody has disturbed."""
    from edgewise.serving.store import DECISIONS, Store

    store = Store(f"sqlite:///{folder / 'store.sqlite'}")
    with store._engine.connect() as connection:
        kept = {row.id for row in connection.execute(DECISIONS.select())}
    acknowledged = {each["decision_id"] for answers in (*told.values(), quiet) for each in answers}
    states = {store.session(name).state for name in (*told, "quiet")}  # type: ignore[union-attr]
    wrong = sum([each["answer"] for each in answers] != [each["answer"] for each in quiet] for answers in told.values())
    return {
        "acknowledged": len(acknowledged),
        "acknowledged_and_lost": len(acknowledged - kept),
        "kept_twice": len(kept) - len(acknowledged),
        "sessions_that_differ": wrong,
        "different_states_at_the_end": len(states) - 1,
    }


def abuse(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """A body of 50 MiB, one that dribbles in, and 1,000 open connections: the server goes on for others."""
    with server(folder, "--body-s", "3") as running:
        running.post(f"{SESSIONS}?session=x", {"units": places(4)})
        before = running.memory_mib()
        big = _raw(running.port, b"x" * 1024, length=50 * 2**20, repeat=50 * 1024)
        slow = _raw(running.port, b"x", length=1000, repeat=40, pause=0.2)
        idle = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(1000)]
        began = time.perf_counter()
        answered = running.post(f"{SESSIONS}/x/slots", slot(0, 8, 4))["answer"]["slot"]
        beside = time.perf_counter() - began
        for connection in idle:
            connection.close()
        after = running.memory_mib()
    return {
        "body_of_50_mib": big,
        "slow_body": slow,
        "first_slot_beside_1000_connections_s": beside,
        "answered": answered == 1,
        "memory_before_mib": before,
        "memory_after_mib": after,
    }


def _raw(port: int, piece: bytes, length: int, repeat: int, pause: float = 0.0) -> dict[str, Any]:
    """Status and seconds of a request whose body comes in pieces."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        head = (
            f"POST {SESSIONS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
        connection.sendall(head.encode())
        try:
            for _ in range(repeat):
                connection.sendall(piece)
                time.sleep(pause)
        except OSError:
            pass  # it was refused before all of it was sent
        try:
            status = connection.recv(100).split(b" ")[1].decode()
        except (OSError, IndexError):
            status = "closed"
    return {"status": status, "seconds": time.perf_counter() - began}


def long(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Minutes of load: latency and memory of each."""

    async def measured(running: Running) -> list[dict[str, Any]]:
        sessions = await open_sessions(running.port, 32, 8, 4, "l")
        minutes = []
        for _ in range(given.minutes):
            figures = (await at_rate(sessions, given.rate, 60.0)).figures()
            minutes.append({**figures, "memory_mib": running.memory_mib()})
        return minutes

    with server(folder) as running:
        minutes = carried_out(measured(running))
    first, last = minutes[0], minutes[-1]
    ratios = {f"{name}_last_over_first": last[name] / first[name] for name in ("p99_ms", "memory_mib")}
    return {"rate": given.rate, "load_average": os.getloadavg(), "minutes": minutes, **ratios}


PARTS: dict[str, Callable[[Path, argparse.Namespace], dict[str, Any]]] = {
    "latency": latency,
    "batching": batching,
    "start": start,
    "swap": swap,
    "kills": kills,
    "abuse": abuse,
    "long": long,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=RATE, help="requests a second of the part long")
    parser.add_argument("--out", type=Path, default=Path("results/serving"))
    given = parser.parse_args()
    for part in given.parts or [name for name in PARTS if name != "long"]:
        with tempfile.TemporaryDirectory() as folder:
            found = PARTS[part](Path(folder), given)
        command = f"python benchmarks/serving.py {part}"
        if part in ("latency", "batching", "swap"):
            command += f" --seconds {given.seconds:g}"
        if part == "long":
            command += f" --minutes {given.minutes} --rate {given.rate:g}"
        text = json.dumps({"command": command, "cores": os.cpu_count(), **found}, indent=2)
        print(part, text, flush=True)
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / f"{part}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
